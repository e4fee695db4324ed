/** Events as they arrive: the port the page listens on, and its answer by asking again and again. */
import { askRows, isAbort } from '../api/ask.ts'
import { type ListedEvent, listedEvent } from './event.ts'
import { arrivalsSql, type Selection } from './statements.ts'

export interface TailListener {
  /** In the order they were received. */
  rows(rows: readonly ListedEvent[]): void
  /** The server left that many out since the rows before: the connection or the page was too slow for them. */
  skipped(count: number): void
  /** `null` while connected; else when the next try is, Unix milliseconds. */
  disconnected(nextTryAt: number | null): void
}

export interface Tail {
  close(): void
}

const INTERVAL_MS = 500
const MAX_ROWS = 2_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 15_000

/**
 * Asks for what was received after the newest row known, twice a second.
 * @param afterId the row to go on after; empty: from the start of the selection
 */
export function openPollingTail(selection: Selection, afterId: string, listener: TailListener): Tail {
  const closed = new AbortController()
  let last = afterId
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0

  const poll = async (): Promise<void> => {
    try {
      const rows = await askRows(arrivalsSql(selection, last, MAX_ROWS), [], closed.signal)
      if (failures > 0) listener.disconnected(null)
      failures = 0
      if (rows.length > 0) {
        last = String(rows.at(-1)!.id)
        listener.rows(rows.map(listedEvent))
      }
      again(rows.length === MAX_ROWS ? 0 : INTERVAL_MS)
    } catch (error) {
      if (isAbort(error)) return
      const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
      listener.disconnected(Date.now() + waitMs)
      again(waitMs)
    }
  }
  const again = (ms: number) => {
    if (!closed.signal.aborted) timer = setTimeout(() => void poll(), ms)
  }
  void poll()
  return {
    close() {
      clearTimeout(timer)
      closed.abort()
    },
  }
}
