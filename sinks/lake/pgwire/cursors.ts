/** Cursors of a transaction: DECLARE runs a statement, FETCH takes its next rows (forward only), CLOSE lets go. */
import { type QueryColumn, type QueryRow, userError } from '#schemas/query.ts'
import type { Answer, Pages } from './executor.ts'

interface Cursor {
  readonly answer: Answer
  readonly abort: AbortController
  /** Rows of the page that was read last. */
  page: readonly QueryRow[]
}

export class Cursors {
  readonly #cursors = new Map<string, Cursor>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** @param open runs the statement @throws QueryError */
  async declare(name: string, open: (signal: AbortSignal) => Promise<Answer>): Promise<void> {
    if (this.#cursors.has(name)) throw userError('42P03', `cursor "${name}" already exists`)
    if (this.#cursors.size >= this.#max) throw userError('54000', `a session has at most ${this.#max} cursors`)
    const abort = new AbortController()
    this.#cursors.set(name, { answer: await open(abort.signal), abort, page: [] })
  }

  /** null where there is no such cursor. */
  columns(name: string): readonly QueryColumn[] | null {
    return this.#cursors.get(name)?.answer.columns ?? null
  }

  /** @param count Infinity for all @param signal interrupts the cursor itself @throws QueryError 34000 */
  fetch(name: string, count: number, signal: AbortSignal): Answer {
    const cursor = this.#cursors.get(name)
    if (cursor === undefined) throw userError('34000', `cursor "${name}" does not exist`)
    return { columns: cursor.answer.columns, pages: rowsOf(cursor, count, signal), tag: (rows) => `FETCH ${rows}` }
  }

  /** @param name null for all @throws QueryError 34000 */
  async close(name: string | null): Promise<void> {
    if (name !== null && !this.#cursors.has(name)) throw userError('34000', `cursor "${name}" does not exist`)
    for (const one of name === null ? [...this.#cursors.keys()] : [name]) {
      const cursor = this.#cursors.get(one)!
      this.#cursors.delete(one)
      cursor.abort.abort()
      await cursor.answer.pages.return({ truncated: true })
    }
  }
}

/** Takes the rows from the cursor's pages and leaves it open for the next FETCH. */
async function* rowsOf(cursor: Cursor, count: number, signal: AbortSignal): Pages {
  const interrupt = () => cursor.abort.abort()
  signal.addEventListener('abort', interrupt)
  try {
    for (let left = count; left > 0; ) {
      if (cursor.page.length === 0) {
        const next = await cursor.answer.pages.next()
        if (next.done) return next.value
        cursor.page = next.value
      }
      const rows = cursor.page.slice(0, left)
      cursor.page = cursor.page.slice(rows.length)
      left -= rows.length
      yield rows
    }
    return { truncated: false }
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}
