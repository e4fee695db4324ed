import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copyText } from './copy_text.ts'
import type { ColumnType, Value } from './projection.ts'

function line(type: ColumnType, ...values: readonly Value[]): string {
  return [
    ...copyText(
      values.map(() => ({ type })),
      [values],
    ),
  ].join('')
}

describe('rows as COPY reads them', () => {
  it('have tabs between, and null apart from every text', () => {
    assert.equal(line('text', 'a', null, '', '\\N'), 'a\t\\N\t\t\\\\N\n')
    assert.equal(line('text', 'tab\t', 'line\r\n', 'ä'), 'tab\\t\tline\\r\\n\tä\n')
    assert.equal(line('bigint', 0, -5), '0\t-5\n')
    assert.equal(line('boolean', true, false), 'true\tfalse\n')
    assert.equal(line('double precision', 1e300, Number.NaN, -0.5), '1e+300\tNaN\t-0.5\n')
  })

  it('have times to the microsecond, of years that can be written', () => {
    const micros = 1_767_225_600_000_001
    assert.equal(
      line('timestamptz', micros, micros + 999_998),
      '2026-01-01T00:00:00.000001Z\t2026-01-01T00:00:00.999999Z\n',
    )
    assert.equal(
      line('timestamptz', 0, -1, 0),
      '1970-01-01T00:00:00.000000Z\t1969-12-31T23:59:59.999999Z\t1970-01-01T00:00:00.000000Z\n',
    )
    assert.equal(line('timestamptz', 1e18, -1e18), 'infinity\t-infinity\n')
    assert.equal(line('timestamptz', -62_135_596_800_000_000), '0001-01-01T00:00:00.000000Z\n')
  })

  it('come in chunks, however many there are', () => {
    const row = ['x'.repeat(1000)]
    const chunks = [...copyText([{ type: 'text' }], new Array(200).fill(row))]
    assert.ok(chunks.length > 2 && chunks.every((chunk) => chunk.length < 70_000))
    assert.equal(chunks.join(''), `${row}\n`.repeat(200))
    assert.deepEqual([...copyText([{ type: 'text' }], [])], [])
  })
})
