/**
 * Golden files: what a stage makes of an input, as people can read and review it. `golden/x.in.json` goes in,
 * `golden/x.out.json` must come out; `UPDATE_GOLDEN=1` writes the latter anew.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Batch, Signal } from '../batch/batch.ts'
import { type ColumnType, type Value, valueAt } from '../batch/column.ts'
import { batchOf } from './samples.ts'

/** A batch in a golden file: its columns by name, a list of values each; longs as text. */
export interface GoldenBatch {
  readonly signal: Signal
  readonly columns: Readonly<Record<string, { readonly type: ColumnType; readonly values: readonly unknown[] }>>
}

/** @param folder of the golden files, `new URL('./golden/', import.meta.url)` */
export function describeGolden<In>(folder: URL, run: (input: In) => Batch): void {
  describe('golden files', () => {
    const inputs = readdirSync(folder).filter((name) => name.endsWith('.in.json'))
    it('are there', () => assert.ok(inputs.length > 0))
    for (const name of inputs) {
      it(name.replace('.in.json', ''), () => {
        const input = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
        const output = `${JSON.stringify(goldenBatch(run(input)), null, 2)}\n`
        const file = new URL(name.replace('.in.json', '.out.json'), folder)
        if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, output)
        assert.equal(output, readFileSync(file, 'utf8'))
      })
    }
  })
}

export function goldenBatch(batch: Batch): GoldenBatch {
  const columns = [...batch.columns].sort(([a], [b]) => (a < b ? -1 : 1))
  const values = columns.map(([name, column]) => {
    const rows = Array.from({ length: batch.eventCount }, (_, row) => written(valueAt(column, row)))
    return [name, { type: column.type, values: rows }] as const
  })
  return { signal: batch.signal, columns: Object.fromEntries(values) }
}

export function batchOfGolden({ signal, columns }: GoldenBatch): Batch {
  const values = Object.entries(columns).map(([name, { type, values }]) => {
    const rows = values.map((value): Value => {
      if (type === 'long' && value !== null) return BigInt(value as string)
      return value as Value
    })
    return [name, [type, rows]] as const
  })
  return batchOf(0, Object.fromEntries(values), { signal })
}

function written(value: Value): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
