/** Statistics of a whole file, gathered from its row groups: what its `add` action tells readers before they open it. */
import type { ColumnChunk } from '../parquet/column_chunk.ts'
import type { Bound } from '../parquet/statistics.ts'

export interface ColumnStatistics {
  readonly nullCount: number
  readonly min?: Bound['value']
  readonly max?: Bound['value']
}

export class FileStatistics {
  rows = 0
  readonly #columns = new Map<string, ColumnStatistics>()

  /** By column name; lists are left out. */
  get columns(): ReadonlyMap<string, ColumnStatistics> {
    return this.#columns
  }

  addRowGroup(rows: number, chunks: readonly ColumnChunk[]): void {
    const first = this.rows === 0
    this.rows += rows
    for (const { leaf, statistics } of chunks) {
      if (leaf.maxRepetition > 0) continue
      const { nullCount, min, max } = statistics
      const group: ColumnStatistics = { nullCount, min: min?.value, max: max?.value }
      const before = this.#columns.get(leaf.path[0])
      const empty = nullCount === rows
      const merged =
        first || before === undefined ? group : merge(before, group, before.nullCount === this.rows - rows, empty)
      this.#columns.set(leaf.path[0], merged)
    }
  }
}

/** A side without any value says nothing about bounds; one that has values but no bounds makes them unknown. */
function merge(a: ColumnStatistics, b: ColumnStatistics, aEmpty: boolean, bEmpty: boolean): ColumnStatistics {
  const nullCount = a.nullCount + b.nullCount
  if (aEmpty) return { ...b, nullCount }
  if (bEmpty) return { ...a, nullCount }
  return { nullCount, min: extreme(a.min, b.min, -1), max: extreme(a.max, b.max, 1) }
}

function extreme(a: Bound['value'] | undefined, b: Bound['value'] | undefined, sign: 1 | -1) {
  if (a === undefined || b === undefined) return undefined
  const order = a instanceof Uint8Array ? Buffer.compare(a, b as Uint8Array) : a < (b as number | bigint) ? -1 : 1
  return order * sign > 0 ? a : b
}
