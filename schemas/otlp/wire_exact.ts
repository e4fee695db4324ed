/** The column `otlp_exact` while it is being built: see `EXACT.md`. Nearly no row needs it, so it may cost there. */
import type { DictionaryBuilder } from '#pipeline/batch/builder.ts'
import type { ColumnSet } from '#pipeline/batch/column_set.ts'

export class ExactColumn {
  readonly #builder: DictionaryBuilder
  readonly #rows = new Map<number, string>()

  constructor(columns: ColumnSet) {
    this.#builder = columns.json('otlp_exact')
  }

  /** @param json the member's value as JSON text */
  add(row: number, member: string, json: string): void {
    const before = this.#rows.get(row)
    this.#rows.set(row, `${before === undefined ? '{' : `${before},`}"${member}":${json}`)
  }

  /** Adds a member to rows `from` to `to` (exclusive). */
  addRange(from: number, to: number, member: string, json: string): void {
    for (let row = from; row < to; row++) this.add(row, member, json)
  }

  /** To be called before the columns are finished. */
  finish(): void {
    const rows = [...this.#rows.keys()].sort((a, b) => a - b)
    for (const row of rows) this.#builder.setText(row, `${this.#rows.get(row)}}`)
  }
}
