/** The live tail: `/v1/tail` over a WebSocket. It begins with what is stored and goes on from the very position that stood at. */
import type { Row } from '../api/ask.ts'
import type { Column } from './columns.ts'
import { type ListedEvent, listedEvent, readColumns } from './event.ts'

export interface TailListener {
  /** What was stored when the tail began, oldest first; once, before anything else. */
  history(rows: readonly ListedEvent[]): void
  /** In the order they were received. */
  rows(rows: readonly ListedEvent[]): void
  /** The server left that many out since the rows before: the connection or the page was too slow for them. */
  skipped(count: number): void
  /** `null` once connected (again); else when the next try is, Unix milliseconds. */
  disconnected(nextTryAt: number | null): void
  /** The server refuses, in its own words; there is no further try. */
  refused(message: string): void
}

export interface Tail {
  /** From now on events come with these columns; what is under way comes once, with one or the other. */
  setColumns(columns: readonly Column[]): void
  close(): void
}

/** What the server sends (`ui/server/tail`). */
interface Frame {
  readonly rows?: readonly Row[]
  readonly skipped?: number
  readonly position?: string
  readonly history?: boolean
  readonly live?: boolean
  readonly error?: { readonly code: string; readonly message: string }
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 15_000
/** The server gives a sign of life every 15 s: two missed, and the connection is dead. */
const SILENCE_MS = 40_000
/** RFC 6455 §7.4.1: policy violation. */
const REFUSED = 1008

export interface TailRequest {
  /** In the filter language. */
  readonly filter: string
  /** Unix milliseconds: stored rows from then on come first. */
  readonly from: number
  readonly columns: readonly Column[]
}

export function openTail({ filter, from, columns: first }: TailRequest, listener: TailListener): Tail {
  let columns = first
  let position: string | undefined
  let failures = 0
  let isClosed = false
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function connect(): void {
    const url = new URL('/v1/tail', location.href.replace(/^http/, 'ws'))
    if (filter !== '') url.searchParams.set('filter', filter)
    url.searchParams.set('columns', readColumns(columns).join())
    // Where it stood: what arrived meanwhile comes first.
    if (position === undefined) url.searchParams.set('from', new Date(from).toISOString())
    else url.searchParams.set('resume', position)
    const opened = new WebSocket(url)
    socket = opened
    listen(opened)
  }

  function listen(opened: WebSocket): void {
    const alive = () => {
      clearTimeout(timer)
      timer = setTimeout(() => opened.close(), SILENCE_MS)
    }
    alive()
    opened.onmessage = ({ data }) => {
      if (isClosed || opened !== socket) return
      alive()
      receive(JSON.parse(data as string) as Frame)
    }
    opened.onclose = ({ code }) => {
      if (opened !== socket) return
      clearTimeout(timer)
      if (isClosed || code === REFUSED) return
      const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
      listener.disconnected(Date.now() + waitMs)
      timer = setTimeout(connect, waitMs)
    }
  }

  function receive({ rows = [], skipped = 0, error, ...frame }: Frame): void {
    if (error !== undefined) {
      // Retention passed over where it stood: begin anew, which tells what is missing by its time.
      if (error.code === 'resume_gone') position = undefined
      else listener.refused(error.message)
      return
    }
    if (failures > 0) listener.disconnected(null)
    failures = 0
    position = frame.position ?? position
    const events = rows.map((row) => listedEvent(row, columns))
    if (frame.history) {
      listener.history(events)
      return
    }
    if (skipped > 0) listener.skipped(skipped)
    if (events.length > 0) listener.rows(events)
  }

  connect()
  return {
    setColumns(next) {
      columns = next
      const before = socket
      clearTimeout(timer)
      connect()
      before?.close()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      socket?.close()
    },
  }
}
