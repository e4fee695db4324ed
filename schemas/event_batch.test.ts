import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchOf } from '#pipeline/testing/samples.ts'
import { eventBatchCodec } from './event_batch.ts'

const columns = { body: ['json', ['"a"', null]], timestamp: ['long', [1n, 2n]] } as const
const outcomes = new Map([['dropped:refused', 3]])
const place = { log: '', topic: '', partition: 0, offset: 0, previous: -1 }

/** `batchOf(7, columns, { outcomes })` as it was written before batches had `received_bytes`. */
const BEFORE_RECEIVED_BYTES = Buffer.from(
  'AAAAAAECDnByb2plY3QAgL/Y6IjSowYESDVlZWQwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMBZ0ZXN0LnJhdy52MQAODEg1ZWVkMDAw' +
    'MC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAWdGVzdC5yYXcudjEADgIeZHJvcHBlZDpyZWZ1c2VkBgAECGJvZHkCEAAAAAADAAAABiJhIgQB' +
    'AAASdGltZXN0YW1wBgAAIAEAAAAAAAAAAgAAAAAAAAAAAA==',
  'base64',
)

/** The same with `receivedBytes: 5_000_000_000`, before batches had `requeue`. */
const BEFORE_REQUEUE = Buffer.from(
  'AAAAAAECDnByb2plY3QAgL/Y6IjSowYESDVlZWQwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMBZ0ZXN0LnJhdy52MQAODEg1ZWVkMDAw' +
    'MC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAWdGVzdC5yYXcudjEADgIeZHJvcHBlZDpyZWZ1c2VkBgAECGJvZHkCEAAAAAADAAAABiJhIgQB' +
    'AAASdGltZXN0YW1wBgAAIAEAAAAAAAAAAgAAAAAAAAAAAIDIr6Al',
  'base64',
)

describe('a batch in a topic', () => {
  it('comes back as it was', () => {
    const batch = batchOf(7, columns, { outcomes, receivedBytes: 5_000_000_000 })
    const decoded = eventBatchCodec.decode(eventBatchCodec.encode(batch, 1), place)
    assert.equal(decoded.receivedBytes, 5_000_000_000)
    assert.deepEqual(decoded.outcomes, outcomes)
  })

  it('of a millrace before received_bytes can be read, with none', () => {
    const decoded = eventBatchCodec.decode(BEFORE_RECEIVED_BYTES, place)
    const now = batchOf(7, columns, { outcomes, receivedBytes: 0 })
    assert.deepEqual(eventBatchCodec.encode(decoded, 1), eventBatchCodec.encode(now, 1))
  })

  it('of a millrace before requeue can be read', () => {
    const decoded = eventBatchCodec.decode(BEFORE_REQUEUE, place)
    const now = batchOf(7, columns, { outcomes, receivedBytes: 5_000_000_000 })
    assert.deepEqual(
      [eventBatchCodec.encode(decoded, 1), 'requeue' in decoded],
      [eventBatchCodec.encode(now, 1), false],
    )
  })

  it('that is damaged is refused', () => {
    assert.throws(() => eventBatchCodec.decode(BEFORE_RECEIVED_BYTES.subarray(0, -1), place), RangeError)
    const longer = Buffer.concat([eventBatchCodec.encode(batchOf(7, columns), 1), Buffer.from([0])])
    assert.throws(() => eventBatchCodec.decode(longer, place), RangeError)
  })
})
