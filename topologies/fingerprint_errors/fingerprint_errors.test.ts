import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { describeStage } from '#pipeline/testing/describe_stage.ts'
import { StageTestDriver } from '#pipeline/testing/driver.ts'
import { batchOfGolden, describeGolden, type GoldenBatch } from '#pipeline/testing/golden.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { fingerprintOf } from './exceptions.ts'
import { fingerprintErrors } from './fingerprint_errors.stage.ts'
import { fingerprint } from './fingerprint_errors.ts'

/** Rows of a column of JSON, parsed. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
function rows(batch: Batch, name: string): any[] {
  const column = batch.columns.get(name)
  return Array.from({ length: batch.eventCount }, (_, row) => {
    const value = column === undefined ? null : valueAt(column, row)
    return value === null ? null : JSON.parse(value as string)
  })
}

const STACK = 'E: no\n    at f (/app/a.js:1:2)\n    at g (/app/b.js:3:4)'

describe('the hashes of an event', () => {
  it('have the pattern of the body, or of the name where there is no body', () => {
    const logs = batchOf(0, {
      body: ['json', ['"took 5 ms"', '"took 77 ms"', '"gave up"', null, null]],
      name: ['text', [null, null, 'x', 'job 1', null]],
    })
    const [first, second, third, fourth, none] = rows(fingerprint(logs), 'hashes')
    assert.match(first[0], /^pat:[0-9a-f]{16}$/)
    assert.equal(first.length, 1)
    assert.deepEqual(second, first)
    assert.notDeepEqual(third, first)
    assert.equal(fourth.length, 1)
    assert.equal(none, null)
    const [span] = rows(fingerprint(batchOf(0, { name: ['text', ['job 22']] }, { signal: 'traces' })), 'hashes')
    assert.deepEqual(span, fourth)
  })

  it('are the same in every version of ours', () => {
    const batch = batchOf(0, { body: ['json', ['"took 5 ms"']] })
    assert.deepEqual(rows(fingerprint(batch), 'hashes'), [['pat:bc5d8ad537f94848']])
    assert.equal(fingerprintOf({ type: 'E', message: 'no', stack: STACK }), '1670888add308cb8')
  })

  it('are not made for metrics', () => {
    const metrics = batchOf(0, { metric_name: ['text', ['m']] }, { signal: 'metrics' })
    assert.equal(fingerprint(metrics), metrics)
  })
})

describe('the errors of an event', () => {
  it('come from the exception attributes of a log', () => {
    const batch = batchOf(0, {
      body: ['json', ['"failed"', '"fine"', '"failed"']],
      attributes___exception___type: ['text', ['E', null, null]],
      attributes___exception___message: ['text', ['no', null, 'only a message']],
      attributes___exception___stacktrace: ['text', [STACK, null, null]],
    })
    const done = fingerprint(batch)
    const [first, second, third] = rows(done, 'errors')
    const hash = fingerprintOf({ type: 'E', message: 'no', stack: STACK })
    assert.deepEqual(first, [{ type: 'E', message: 'no', stack: STACK, fingerprint: hash }])
    assert.equal(second, null)
    assert.equal(third[0].message, 'only a message')
    const hashes = rows(done, 'hashes')
    assert.equal(hashes[0][0], `err:${hash}`)
    assert.deepEqual(hashes[0][1], hashes[2][1])
    assert.equal(hashes[1].length, 1)
  })

  it('come from the events of a span, too', () => {
    const exception = (type: string) => ({
      event_name: 'exception',
      event_time: '2026-01-01T00:00:00.000000000Z',
      event_attributes: { 'exception.type': type, 'exception.stacktrace': STACK, 'exception.message': 5 },
    })
    const events = [exception('E'), { event_name: 'retry', event_attributes: {} }, exception('F'), exception('E')]
    const batch = batchOf(
      0,
      { name: ['text', ['GET', 'GET']], events: ['json', [JSON.stringify(events), '[]']] },
      { signal: 'traces' },
    )
    const done = fingerprint(batch)
    const [errors, none] = rows(done, 'errors')
    assert.deepEqual(
      errors.map(({ type }: { type: string }) => type),
      ['E', 'F', 'E'],
    )
    assert.equal(errors[0].message, undefined, 'not a text')
    assert.equal(none, null)
    const [hashes] = rows(done, 'hashes')
    assert.equal(hashes.length, 3, 'each hash once, and the pattern of the name')
  })

  it('are found where exceptions are not promoted', () => {
    const batch = batchOf(0, { 'attributes.exception.type': ['text', ['E']] })
    assert.equal(rows(fingerprint(batch), 'errors')[0][0].type, 'E')
  })
})

describe('a fingerprint', () => {
  const error = { type: 'E', message: 'no user 17', stack: STACK }

  it('does not see line numbers, folders and the message', () => {
    const elsewhere = 'E: no\n    at f (C:\\srv\\a.js:91:2)\n    at g (/opt/b.js:3:44)'
    assert.equal(fingerprintOf({ type: 'E', message: 'other', stack: elsewhere }), fingerprintOf(error))
  })

  it('sees the type and where the error came from', () => {
    const others = [
      { ...error, type: 'F' },
      { ...error, stack: STACK.replace('at f', 'at h') },
      { ...error, stack: STACK.replace('b.js', 'c.js') },
      { ...error, stack: undefined },
    ]
    const hashes = [error, ...others].map(fingerprintOf)
    assert.equal(new Set(hashes).size, hashes.length)
  })

  it("is that of the message's pattern where there are no frames", () => {
    const bare = { type: 'E', message: 'no user 17', stack: undefined }
    assert.equal(fingerprintOf({ ...bare, message: 'no user 4711' }), fingerprintOf(bare))
    assert.notEqual(fingerprintOf({ ...bare, message: 'no cart 17' }), fingerprintOf(bare))
    assert.equal(fingerprintOf({ ...bare, stack: 'E: no frames here' }), fingerprintOf(bare))
  })
})

const logs = batchOf(0, {
  body: ['json', ['"took 5 ms"', '"took 6 ms"', null, '"x"', '"took 7 ms"', '{"a":1}']],
  name: ['text', [null, 'n', 'n', null, 'm', null]],
  attributes___exception___type: ['text', [null, 'E', null, 'F', null, null]],
  attributes___exception___stacktrace: ['text', [null, STACK, null, null, null, null]],
})
describeStage(fingerprintErrors, [logs, { ...batchOf(1), projectId: '' }, { ...logs, origin: batchOf(2).origin }])

describeGolden<GoldenBatch>(new URL('./golden/', import.meta.url), (input) =>
  new StageTestDriver(fingerprintErrors).pipe(batchOfGolden(input)),
)
