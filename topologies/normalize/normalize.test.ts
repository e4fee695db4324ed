import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Signal } from '#pipeline/batch/batch.ts'
import { type Batch, positionAt } from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { describeStage } from '#pipeline/testing/describe_stage.ts'
import { StageTestDriver } from '#pipeline/testing/driver.ts'
import { describeGolden } from '#pipeline/testing/golden.ts'
import type { LogsExport } from '#schemas/otlp/otlp.ts'
import type { Export } from '#schemas/otlp/testing/by_value.ts'
import { rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import { readMetric } from '#schemas/otlp/testing/read.ts'
import { normalize } from './normalize.stage.ts'

function logs(...names: string[]): LogsExport {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: names.map((eventName) => ({ eventName })) }] }] }
}

function names(batch: Batch): unknown[] {
  const column = batch.columns.get('name')
  return Array.from({ length: batch.eventCount }, (_, row) => (column === undefined ? null : valueAt(column, row)))
}

function positions(batch: Batch): number[] {
  return Array.from({ length: batch.eventCount }, (_, row) => positionAt(batch, row))
}

const MINUTES = 60
const broken = { body: Uint8Array.of(0x0a, 0x7f) }

describe('normalize', () => {
  it('makes one batch of all exports of a record', () => {
    const raw = rawBatch('logs', [rawExport(logs('a', 'b'), 'logs', 1), rawExport(logs('c'), 'logs', 2)], 5)
    const batch = new StageTestDriver(normalize).pipe(raw)
    assert.deepEqual(names(batch), ['a', 'b', 'c'])
    assert.equal(batch.columns.has('position'), false)
    assert.deepEqual({ ...batch.origin }, raw.origin)
    assert.deepEqual({ ...batch.raw }, raw.raw)
    assert.equal(batch.projectId, 'project')
    assert.equal(batch.signal, 'logs')
    assert.deepEqual([...batch.outcomes], [])
  })

  it('reads JSON as it reads protobuf', () => {
    const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: '1', eventName: 'ä' }] }] }] }
    const json = rawExport(request, 'logs', 2, {
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(request)),
    })
    const both = new StageTestDriver(normalize).pipe(rawBatch('logs', [rawExport(request, 'logs', 1), json]))
    assert.deepEqual(names(both), ['ä', 'ä'])
    for (const [name, column] of both.columns) assert.deepEqual(valueAt(column, 1), valueAt(column, 0), name)
  })

  it('leaves out what the receiver refused; positions count it', () => {
    const part = rawExport(logs('a', 'b', 'c', 'd'), 'logs', 1, { refused: [1, 2] })
    const batch = new StageTestDriver(normalize).pipe(rawBatch('logs', [part]))
    assert.deepEqual(names(batch), ['a', 'd'])
    assert.deepEqual(positions(batch), [0, 3])
    assert.deepEqual([...batch.outcomes], [['dropped:refused', 2]])
  })

  it('gives an empty batch for a tick, and for a record without events', () => {
    const driver = new StageTestDriver(normalize)
    const tick = driver.pipe({ ...rawBatch('logs', [], 1), projectId: '' })
    assert.equal(tick.projectId, '')
    assert.equal(tick.eventCount, 0)
    assert.equal(tick.columns.size, 0)
    const empty = driver.pipe(rawBatch('logs', [rawExport({}, 'logs')], 2))
    assert.equal(empty.eventCount, 0)
    assert.equal(empty.columns.size, 0)
  })

  it('counts each data point of a metric', () => {
    const metric = { name: 'm', gauge: { dataPoints: [{ asInt: '1' }, { asInt: '2' }] } }
    const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }
    const batch = new StageTestDriver(normalize).pipe(rawBatch('metrics', [rawExport(request, 'metrics')]))
    assert.equal(batch.eventCount, readMetric(metric).length)
  })
})

describe('an export sent again', () => {
  const first = rawExport(logs('a', 'b'), 'logs', 7)

  it('within ten minutes is dropped and counted', () => {
    const driver = new StageTestDriver(normalize)
    driver.pipe(rawBatch('logs', [first], 0))
    const again = driver.pipe(rawBatch('logs', [first, rawExport(logs('c'), 'logs', 8)], 10 * MINUTES))
    assert.deepEqual(names(again), ['c'])
    assert.deepEqual(positions(again), [2])
    assert.deepEqual([...again.outcomes], [['dropped:duplicate_export', 2]])
  })

  it('does not weigh again; one that is refused or malformed does', () => {
    const refused = rawExport(logs('c'), 'logs', 8, { refused: [0] })
    const malformed = rawExport(logs('d'), 'logs', 9, broken)
    const batch = new StageTestDriver(normalize).pipe(rawBatch('logs', [first, first, refused, malformed]))
    assert.equal(batch.receivedBytes, first.body.length + refused.body.length + broken.body.length)
  })

  it('in the same record is dropped', () => {
    const batch = new StageTestDriver(normalize).pipe(rawBatch('logs', [first, first]))
    assert.deepEqual(names(batch), ['a', 'b'])
    assert.deepEqual([...batch.outcomes], [['dropped:duplicate_export', 2]])
  })

  it('after more than ten minutes is another export', () => {
    const driver = new StageTestDriver(normalize)
    driver.pipe(rawBatch('logs', [first], 0))
    assert.deepEqual(names(driver.pipe(rawBatch('logs', [first], 10 * MINUTES + 1))), ['a', 'b'])
  })

  it('is known after a restart, from the records of the window', () => {
    const driver = new StageTestDriver(normalize)
    driver.restore(null, [rawBatch('logs', [first], 0), rawBatch('logs', [], 9 * MINUTES)])
    assert.equal(driver.pipe(rawBatch('logs', [first], 10 * MINUTES)).eventCount, 0)
  })

  it('is dropped even if it was refused before', () => {
    const driver = new StageTestDriver(normalize)
    driver.pipe(rawBatch('logs', [{ ...first, refused: [0, 1] }], 0))
    const again = driver.pipe(rawBatch('logs', [{ ...first, refused: [0, 1] }], 1))
    assert.deepEqual([...again.outcomes], [['dropped:duplicate_export', 2]])
  })
})

describe('an export that cannot be read', () => {
  it('becomes dead letters, one for each event, and the others go on', () => {
    const driver = new StageTestDriver(normalize)
    const bad = rawExport(logs('x', 'y'), 'logs', 2, broken)
    const raw = rawBatch('logs', [rawExport(logs('a'), 'logs', 1), bad, rawExport(logs('b'), 'logs', 3)])
    const batch = driver.pipe(raw)
    assert.deepEqual(names(batch), ['a', 'b'])
    assert.deepEqual(positions(batch), [0, 3])
    assert.deepEqual([...batch.outcomes], [['dead_letter:malformed', 2]])
    const [dead] = driver.deadLetters
    assert.deepEqual(positions(dead), [1, 2])
    assert.deepEqual(dead.origin, raw.origin)
    assert.equal(valueAt(dead.columns.get('dead_letter.code')!, 0), 'malformed')
    assert.equal(valueAt(dead.columns.get('dead_letter.detail')!, 1), '127 bytes at 2, where 0 are left')
  })

  it('as JSON becomes dead letters, too', () => {
    const driver = new StageTestDriver(normalize)
    const bad = rawExport(logs('x'), 'logs', 2, {
      contentType: 'application/json',
      body: Buffer.from('{"resourceLogs":'),
    })
    assert.equal(driver.pipe(rawBatch('logs', [bad])).eventCount, 0)
    assert.equal(driver.deadLetters[0].eventCount, 1)
  })
})

const spans = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 's' }] }] }] }
describeStage(normalize, [
  rawBatch('logs', [rawExport(logs('a', 'b'), 'logs', 1), rawExport(logs('c'), 'logs', 2, { refused: [0] })], 0),
  { ...rawBatch('logs', [], 1), projectId: '' },
  rawBatch('traces', [rawExport(spans, 'traces', 3)], 2),
  rawBatch('logs', [rawExport(logs('a', 'b'), 'logs', 1), rawExport(logs('d'), 'logs', 4)], 9 * MINUTES),
  rawBatch('logs', [rawExport(logs('x'), 'logs', 5, broken)], 10 * MINUTES),
  rawBatch('logs', [rawExport(logs('a', 'b'), 'logs', 1), rawExport(logs('c'), 'logs', 2)], 19 * MINUTES),
])

describeGolden<{ signal: Signal; export: Export }>(new URL('./golden/', import.meta.url), (input) =>
  new StageTestDriver(normalize).pipe(rawBatch(input.signal, [rawExport(input.export, input.signal)])),
)
