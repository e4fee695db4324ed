import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Row } from '../api/ask.ts'
import { preciseMs, readTrace } from './tree.ts'
import { asOne, criticalPath, waterfallRows } from './waterfall_rows.ts'

const START = Date.UTC(2026, 10, 22, 14)
const at = (ms: number) => new Date(START + ms).toISOString().replace('Z', '000Z')

function span(id: string, parent: string | null, from: number, ms: number, more: Row = {}): Row {
  return {
    id: `e-${id}`,
    timestamp: at(from),
    parent_id: parent,
    name: id,
    kind: 'internal',
    level: null,
    status_code: 'UNSET',
    status_message: null,
    duration: ms * 1e6,
    body: null,
    resource___service___name: 'shop',
    context___span_id: id,
    attributes___http___response___status_code: null,
    attributes___exception___type: null,
    events: null,
    ...more,
  }
}
const log = (id: string, inSpan: string, from: number): Row =>
  span(id, inSpan, from, 0, { kind: 'log', body: id, context___span_id: inSpan })
const none = { folded: new Set<string>(), unfolded: new Set<string>(), find: '', onlyErrors: false, onlyPath: false }

/** root 0–100: a 10–40, b 50–95 with c 60–90; a log in c. */
const rows = [
  span('root', null, 0, 100),
  span('a', 'root', 10, 30),
  span('b', 'root', 50, 45, { resource___service___name: 'payments' }),
  span('c', 'b', 60, 30, { status_code: 'ERROR', resource___service___name: 'payments' }),
  log('said', 'c', 70),
]

describe('a trace', () => {
  it('is a tree, depth first, logs with their spans', () => {
    const trace = readTrace(rows)
    assert.deepEqual(
      trace.spans.map(({ spanId, depth }) => [spanId, depth]),
      [
        ['root', 0],
        ['a', 1],
        ['b', 1],
        ['c', 2],
      ],
    )
    assert.deepEqual([trace.durationMs, trace.failed, trace.services], [100, 1, ['shop', 'payments']])
    assert.deepEqual(
      trace.spans[3].logs.map(({ text }) => text),
      ['said'],
    )
    assert.deepEqual(
      trace.spans.map(({ selfMs }) => selfMs),
      [25, 30, 15, 30],
    )
  })

  it('keeps what has lost its parent, what came twice, and what goes in circles', () => {
    const trace = readTrace([
      span('orphan', 'gone', 5, 10),
      span('orphan', 'gone', 5, 10),
      span('x', 'y', 0, 1),
      span('y', 'x', 0, 1),
      span('self', 'self', 0, 1),
      log('lost', 'nowhere', 7),
    ])
    assert.deepEqual(trace.spans.map(({ spanId }) => spanId).sort(), ['orphan', 'self', 'x', 'y'])
    assert.deepEqual(
      trace.logs.map(({ id }) => id),
      ['e-lost'],
    )
    assert.deepEqual(readTrace([]).spans, [])
  })

  it('may be as deep as it likes', () => {
    const chain = Array.from({ length: 10_000 }, (_, depth) =>
      span(`s${depth}`, depth === 0 ? null : `s${depth - 1}`, depth, 20_000 - 2 * depth),
    )
    const trace = readTrace(chain)
    assert.equal(trace.spans.at(-1)!.depth, 9_999)
    assert.equal(waterfallRows(trace, new Set(), none).length, 10_000)
    assert.equal(criticalPath(trace).size, 10_000)
  })

  it('has times to the microsecond', () => {
    assert.equal(preciseMs('2026-11-22T14:00:00.001250Z') - START, 1.25)
    assert.equal(preciseMs('2026-11-22T14:00:00Z') - START, 0)
  })
})

describe('a waterfall', () => {
  const trace = readTrace(rows)
  const names = (choice: Partial<typeof none>) =>
    waterfallRows(trace, criticalPath(trace), { ...none, ...choice }).map(({ span: { name } }) => name)

  it('draws guides from parents to children, and names a service where it changes', () => {
    const lines = waterfallRows(trace, new Set(), none)
    assert.deepEqual(
      lines.map(({ guides }) => guides),
      [[], ['branch'], ['end'], ['none', 'end']],
    )
    assert.deepEqual(
      lines.map(({ namesService }) => namesService),
      [true, false, true, false],
    )
  })

  it('folds, finds, and keeps what stands above a find', () => {
    assert.deepEqual(names({ folded: new Set(['b']) }), ['root', 'a', 'b'])
    assert.deepEqual(names({ find: 'C' }), ['root', 'b', 'c'])
    assert.deepEqual(names({ onlyErrors: true }), ['root', 'b', 'c'])
    assert.deepEqual(names({ find: 'nothing' }), [])
  })

  it('knows the critical path', () => {
    assert.deepEqual(names({ onlyPath: true }), ['root', 'a', 'b', 'c'])
    const beside = readTrace([span('r', null, 0, 100), span('short', 'r', 0, 50), span('long', 'r', 0, 90)])
    assert.deepEqual(
      [...criticalPath(beside)].map(({ name }) => name),
      ['r', 'long'],
    )
  })

  it('shows many siblings of one name as one row, until they are unfolded or looked for', () => {
    const many = Array.from({ length: 30 }, (_, n) =>
      span(`s${n}`, 'root', 2 * n, n + 1, { name: 'SELECT', status_code: n === 7 ? 'ERROR' : 'UNSET' }),
    )
    const few = Array.from({ length: 20 }, (_, n) => span(`f${n}`, 'root', n, 1, { name: 'GET' }))
    const parent = span('parent', 'root', 1, 1, { name: 'SELECT' })
    const big = readTrace([span('root', null, 0, 100), ...many, ...few, parent, span('leaf', 'parent', 1, 1)])
    const lines = (choice: Partial<typeof none>) => waterfallRows(big, new Set(), { ...none, ...choice })
    const [, group] = lines({})
    assert.equal(lines({}).length, 1 + 1 + 20 + 2)
    assert.deepEqual([group.span.name, group.alike.length, group.folded, group.hasChildren], ['SELECT', 30, true, true])
    assert.deepEqual(asOne(group.alike), { at: START, durationMs: 88, p95Ms: 29, failed: 1 })
    assert.equal(lines({ unfolded: new Set(['s0']) }).length, 1 + 30 + 20 + 2)
    assert.equal(lines({ onlyErrors: true }).length, 2)
  })
})
