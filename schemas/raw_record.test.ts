import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchOf } from '#pipeline/testing/samples.ts'
import { eventBatchCodec } from './event_batch.ts'
import { rawBatch } from './otlp/testing/raw.ts'
import { type Export, rawRecordCodec } from './raw_record.ts'

const place = { log: 'log', topic: 'telemetry.raw.v1', partition: 0, offset: 9, previous: 8 }
const part: Export = {
  ...{ key: Buffer.alloc(16, 1), receivedAt: 1_767_225_600_000_000, contentType: 'application/json' },
  ...{ body: Buffer.from('{}'), eventCount: 3, refused: [1] },
}

/** `rawBatch('logs', [part], 7)` as it was written before records had a `decision`. */
const BEFORE_DECISION = Buffer.from(
  'AAAAAAEOcHJvamVjdACAv9joiNKjBgIgAQEBAQEBAQEBAQEBAQEBAYCAguKI0qMGIGFwcGxpY2F0aW9uL2pzb24Ee30GAgIAAA==',
  'base64',
)

describe('a raw record', () => {
  it('of a millrace before decisions can be read', () => {
    const decoded = rawRecordCodec.decode(BEFORE_DECISION, place)
    assert.deepEqual([decoded.eventCount, decoded.decision, decoded.passing], [3, undefined, undefined])
    assert.deepEqual(rawRecordCodec.encode(decoded, 1), rawRecordCodec.encode(rawBatch('logs', [part], 7), 1))
  })

  it('with a decision holds the batch that passes in its place', () => {
    const requeue = { stage: 'normalize', record: Buffer.from([1, 2]), positions: [3, 4] }
    const passing = { ...batchOf(7), outcomes: new Map([['dead_letter:malformed', -2]]), requeue }
    const decision = { id: 'topic/0/1/cause', batch: eventBatchCodec.encode(passing, 1) }
    const record = { ...rawBatch('logs', []), decision }
    const decoded = rawRecordCodec.decode(rawRecordCodec.encode(record, 1), place)
    assert.equal(decoded.decision!.id, decision.id)
    assert.deepEqual([decoded.eventCount, decoded.passing!.origin], [0, place])
    assert.deepEqual({ ...decoded.passing!.requeue }, requeue)
    assert.deepEqual([...decoded.passing!.outcomes], [['dead_letter:malformed', -2]])
    assert.deepEqual({ ...decoded.passing!.raw }, batchOf(7).raw, 'the lineage it always had')
  })
})
