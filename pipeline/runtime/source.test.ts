/** A reader of a topic whose records come from two source partitions: each has its own order, and its own gaps. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { InvariantError } from '../errors/errors.ts'
import type { Position } from '../log/log.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, TEST_LOG_ID } from '../testing/samples.ts'
import { admit } from './admission.ts'
import { Handover } from './handover.ts'
import { createSource, type Source } from './source.ts'

const topic = batchTopic('test.repartitioned.v1')
const forever = new AbortController().signal

/** An origin; `previous` is offset - 1 where it is not given. */
type Place = readonly [source: number, offset: number, previous?: number]

function batchFrom([partition, offset, previous = offset - 1]: Place): Batch {
  const batch = batchOf(offset)
  return { ...batch, origin: { ...batch.origin, partition, offset, previous } }
}

async function logOf(...places: Place[]): Promise<MemoryLog> {
  const log = new MemoryLog(TEST_LOG_ID)
  await log.createTopics([{ name: topic.name, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
  const records = places.map((place, timestamp) => {
    return { topic: topic.name, partition: 0, value: topic.codec.encode(batchFrom(place), 1), timestamp }
  })
  await log.append(records)
  return log
}

const read = (log: MemoryLog, position: Position | null): Promise<Source<Batch>> =>
  createSource({ log, topic, partition: 0, position, reader: 'reader', handover: new Handover(0) })

/** The next `count` values: where they came from (`source partition/offset`), and where the reader stood after each. */
async function take(source: Source<Batch>, count: number) {
  const taken: { origin: string; position: Position }[] = []
  for (let turn = 0; turn < count; turn++) {
    const { value, position } = (await source.next(forever))!
    taken.push({ origin: `${value.origin.partition}/${value.origin.offset}`, position })
  }
  return taken
}

const origins = (taken: Awaited<ReturnType<typeof take>>) => taken.map(({ origin }) => origin).join(' ')

describe('a reader of two source partitions', () => {
  it('takes each in its own order, however they are interleaved', async () => {
    const source = await read(await logOf([0, 0], [1, 0], [1, 1], [0, 1], [1, 2]), null)
    const taken = await take(source, 5)
    assert.equal(origins(taken), '0/0 1/0 1/1 0/1 1/2')
    assert.deepEqual(
      taken.map(({ position }) => [position.offset, position.reached]),
      [
        [1, { 0: 0 }],
        [2, { 0: 0, 1: 0 }],
        [3, { 0: 0, 1: 1 }],
        [4, { 0: 1, 1: 1 }],
        [5, { 0: 1, 1: 2 }],
      ],
    )
  })

  it('skips what one of them repeats, and only that: the other may be at the same offsets', async () => {
    const log = await logOf([0, 5], [0, 6], [1, 5], [0, 5], [0, 6], [1, 5], [1, 6], [0, 7])
    const taken = await take(await read(log, null), 5)
    assert.equal(origins(taken), '0/5 0/6 1/5 1/6 0/7')
  })

  it('goes on from any of its positions as if it had never stopped', async () => {
    const log = await logOf([0, 0], [1, 7], [0, 0], [0, 1], [1, 7], [1, 9, 7], [0, 2])
    const whole = await take(await read(log, null), 5)
    for (const [at, { position }] of whole.entries()) {
      const rest = await take(await read(log, position), whole.length - at - 1)
      assert.deepEqual(rest, whole.slice(at + 1))
    }
  })

  it('stops at a gap in one of them, naming it', async () => {
    const source = await read(await logOf([0, 0], [1, 0], [0, 1], [1, 2], [0, 2]), null)
    await take(source, 3)
    await assert.rejects(source.next(forever), (error) => {
      return (
        error instanceof InvariantError &&
        /stands at origin 0 .*source partition 1.*record at 3 follows origin 1/.test(error.message)
      )
    })
  })

  it('accepts the first it meets of a source partition, whatever came before it', async () => {
    const position = { topic: topic.name, partition: 0, offset: 0, reached: { 0: 3 }, log: TEST_LOG_ID }
    const source = await read(await logOf([1, 40, 38], [0, 4], [1, 41]), position)
    assert.equal(origins(await take(source, 3)), '1/40 0/4 1/41')
  })
})

describe('a reader whose records were trimmed before it read them', () => {
  const position = { topic: topic.name, partition: 0, offset: 1, reached: { 0: 0 }, log: TEST_LOG_ID }

  async function trimmed(): Promise<MemoryLog> {
    const log = await logOf([0, 0], [0, 1], [0, 2], [0, 3], [0, 4])
    await log.trim(topic.name, 0, 3)
    return log
  }

  it('stops, and says how to go on', async () => {
    await assert.rejects(read(await trimmed(), position), {
      name: 'OperatorError',
      message: /2 records were trimmed unread.*millrace start --accept-gap reader/,
    })
  })

  it('goes on where a person has said so, as if what follows came next', async () => {
    const told: string[] = []
    const options = { log: await trimmed(), topic, partition: 0, position, reader: 'reader', handover: new Handover(0) }
    const source = await createSource({ ...options, acceptGap: (what) => void told.push(what) })
    const [first, second] = [await source.next(forever), await source.next(forever)]
    assert.deepEqual(
      [first, second].map((delivery) => delivery!.value.origin).map(({ offset, previous }) => [offset, previous]),
      [
        [3, 0],
        [4, 3],
      ],
    )
    assert.equal(told.length, 2, told.join('; '))
  })

  it('stops at a second gap all the same', async () => {
    const log = await logOf([0, 0], [0, 3], [0, 4], [0, 9, 8])
    const options = { log, topic, partition: 0, position, reader: 'reader', handover: new Handover(0) }
    const source = await createSource({ ...options, acceptGap: () => {} })
    await take(source, 2)
    await assert.rejects(source.next(forever), /records are missing in between/)
  })
})

describe('admit', () => {
  const origin = (offset: number, previous: number) => ({ ...batchOf(0).origin, partition: 1, offset, previous })

  it('looks at the component of the source partition alone', () => {
    assert.equal(admit({}, origin(5, 4)), 'accept')
    assert.equal(admit({ 0: 4 }, origin(9, 8)), 'accept')
    assert.equal(admit({ 0: 100, 1: 4 }, origin(5, 4)), 'accept')
    assert.equal(admit({ 0: 1, 1: 5 }, origin(5, 4)), 'skip')
    assert.equal(admit({ 0: 4, 1: 3 }, origin(5, 4)), 'gap')
  })
})
