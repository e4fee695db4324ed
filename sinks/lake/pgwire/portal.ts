/** A statement with values for its parameters, and how far its rows have been fetched. */
import { type QueryColumn, type QueryRow, userError } from '#schemas/query.ts'
import { dataRow, type Field, rowDescription } from './backend_messages.ts'
import type { ByteWriter } from './byte_writer.ts'
import { type Encoder, encoder } from './encoder.ts'
import type { Answer } from './executor.ts'
import { pgType } from './types.ts'

type Format = 0 | 1

/** @param start asked for once, when the first rows are wanted */
export class Portal {
  readonly #start: (signal: AbortSignal) => Promise<Answer>
  readonly #formats: readonly number[]
  readonly #maxRows: number
  readonly #abort = new AbortController()
  #columns: readonly QueryColumn[] | null
  #answer: Answer | undefined
  #page: readonly QueryRow[] = []
  #isDone = false

  /**
   * @param columns as described, null where it gives no rows or nobody has asked yet
   * @param formats none: text; one: for all columns; else one a column
   * @param maxRows only for the error that says so
   * @throws QueryError where a column cannot be given in its format
   */
  constructor(
    start: (signal: AbortSignal) => Promise<Answer>,
    options: { columns: readonly QueryColumn[] | null; formats: readonly number[]; maxRows: number },
  ) {
    this.#start = start
    this.#columns = options.columns
    this.#formats = options.formats
    this.#maxRows = options.maxRows
    if (options.formats.length > 1 && options.formats.length !== (options.columns ?? []).length) {
      throw userError('08P01', `${options.formats.length} result formats for ${(options.columns ?? []).length} columns`)
    }
    this.#encoders()
  }

  /** Interrupts it, whether it runs or waits. */
  cancel(): void {
    this.#abort.abort()
  }

  /** Lets go of what it holds. */
  async close(): Promise<void> {
    this.#isDone = true
    // First, so that a FETCH that ends does not take its cursor along.
    await this.#answer?.pages.return({ truncated: true })
    this.#abort.abort()
  }

  /** null where it gives no rows. */
  description(): Buffer | null {
    return this.#columns === null ? null : rowDescription(fieldsOf(this.#columns, this.#formats))
  }

  /** Starts the statement, so that its columns are known. @throws QueryError */
  async begin(): Promise<void> {
    if (this.#answer !== undefined) return
    this.#answer = await this.#start(this.#abort.signal)
    const { columns } = this.#answer
    if (this.#columns !== null && typesOf(columns) !== typesOf(this.#columns)) {
      throw userError('0A000', 'the columns are no longer those described; prepare the statement again')
    }
    this.#columns = columns
  }

  /**
   * Sends the next rows, no faster than the client takes them.
   * @param limit 0 for all
   * @returns the tag of a portal that is at its end, null where there may be more
   * @throws QueryError
   */
  async fetch(writer: ByteWriter, limit: number): Promise<string | null> {
    await this.begin()
    const encoders = this.#encoders()
    let sent = 0
    for (;;) {
      const wanted = limit === 0 ? this.#page.length : Math.min(this.#page.length, limit - sent)
      const rows = this.#page.slice(0, wanted)
      this.#page = this.#page.slice(wanted)
      await writer.sendAll(messagesOf(rows, encoders))
      sent += rows.length
      if (limit > 0 && sent === limit) return null
      if (!(await this.#nextPage())) return this.#answer!.tag(sent)
    }
  }

  async #nextPage(): Promise<boolean> {
    if (this.#isDone) return false
    const next = await this.#answer!.pages.next()
    if (!next.done) {
      this.#page = next.value
      return true
    }
    this.#isDone = true
    if (next.value.truncated) {
      throw userError('54000', `the answer has more than ${this.#maxRows} rows: narrow it, or ask for it in parts`)
    }
    return false
  }

  #encoders(): readonly Encoder[] {
    return (this.#columns ?? []).map(({ type }, at) => {
      try {
        return encoder(type, formatOf(this.#formats, at))
      } catch (cause) {
        if (cause instanceof RangeError) throw userError('0A000', cause.message)
        throw cause
      }
    })
  }
}

/** @param formats as in Bind */
export function fieldsOf(columns: readonly QueryColumn[], formats: readonly number[]): Field[] {
  return columns.map(({ name, type }, at) => ({ name, ...pgType(type), format: formatOf(formats, at) }))
}

function formatOf(formats: readonly number[], column: number): Format {
  return (formats.length === 1 ? formats[0] : (formats[column] ?? 0)) === 1 ? 1 : 0
}

function typesOf(columns: readonly QueryColumn[] | null): string {
  return (columns ?? []).map((column) => column.type).join()
}

function* messagesOf(rows: readonly QueryRow[], encoders: readonly Encoder[]): Generator<Buffer> {
  for (const row of rows) yield dataRow(row.map((value, at) => encoders[at](value)))
}
