import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { deadLetter, keep, mapEvents } from '../stage/operators.ts'
import type { Sink } from '../stage/sink.ts'
import { defineStage } from '../stage/stage.ts'
import { MemoryLog } from '../testing/memory_log.ts'
import { batchOf, batchTopic, sourceTopic, TEST_LOG_ID } from '../testing/samples.ts'
import { defineTopology } from '../topology/topology.ts'
import { type DecisionOptions, decided } from './decided.ts'

const raw = sourceTopic('test.raw.v1')
const events = batchTopic('test.events.v1')

/** Cannot treat events of these names. */
const topologyWithout = (...bad: string[]) =>
  defineTopology('test', [
    defineStage({
      name: 'judge',
      consumes: raw,
      produces: events,
      build: () => mapEvents((event) => (bad.includes(String(event.get('name'))) ? deadLetter('bad') : keep())),
    }),
  ])

const sink: Sink = { name: 'array', consumes: events, open: () => Promise.reject(new Error('not asked')) }

/** A log whose record 3 holds these events. */
async function optionsOf(topology: DecisionOptions['topology'], names: string[]): Promise<DecisionOptions> {
  const log = new MemoryLog(TEST_LOG_ID)
  await log.createTopics([{ name: raw.name, partitions: 1, retentionMs: 1e12, retentionBytes: null }])
  for (let offset = 0; offset < 5; offset++) {
    const batch = batchOf(offset, offset === 3 ? { name: ['text', names] } : {})
    await log.append([{ topic: raw.name, partition: 0, value: raw.codec.encode(batch, 1), timestamp: offset }])
  }
  return {
    ...{ topology, source: log, topic: raw, targets: [{ sink }], begin: 0, carriedTo: null },
    logger: { warn() {} },
  }
}

/** What was decided about so many dead letters of record 3. */
function decision(count: number, code = 'bad'): Batch {
  const passing = { ...batchOf(9, {}, { raw: batchOf(3).raw, outcomes: new Map([[`dead_letter:${code}`, -count]]) }) }
  const requeue = { stage: 'judge', record: Buffer.from('record'), positions: [] }
  return { ...batchOf(9), passing: { ...passing, requeue } } as Batch
}

const holds = async (value: Batch, options: DecisionOptions) => {
  const { passing } = await decided(value, options)
  assert.equal(passing!.origin.offset, 9, 'it keeps its place')
  const isWhole = passing!.requeue !== undefined
  assert.equal(passing!.outcomes.size, isWhole ? 1 : 0)
  return isWhole
}

describe('a decision about dead letters', () => {
  it('holds where they are dead letters again', async () => {
    const options = await optionsOf(topologyWithout('a', 'b'), ['a', 'b', 'c'])
    assert.equal(await holds(decision(2), options), true)
    assert.equal(await holds(decision(1), options), true)
  })

  it('does not where they can be treated now: they have come out in their own place', async () => {
    assert.equal(await holds(decision(2), await optionsOf(topologyWithout(), ['a', 'b', 'c'])), false)
    assert.equal(await holds(decision(2), await optionsOf(topologyWithout('a'), ['a', 'b', 'c'])), false)
    assert.equal(await holds(decision(1, 'other'), await optionsOf(topologyWithout('a'), ['a'])), false)
  })

  it('of what a sink refused holds where it refuses it again', async () => {
    const options = await optionsOf(topologyWithout(), ['a', 'b'])
    const refusing = { ...sink, check: () => assert.fail('no') }
    const refused = decision(2, 'sink_refused')
    assert.equal(await holds(refused, { ...options, targets: [{ sink: refusing }] }), true)
    assert.equal(await holds(refused, options), false)
  })

  it('of what was before the replay has been carried over with it, or not', async () => {
    const options = { ...(await optionsOf(topologyWithout('a'), ['a'])), begin: 4 }
    assert.equal(await holds(decision(1), { ...options, carriedTo: 9 }), false)
    assert.equal(await holds(decision(1), { ...options, carriedTo: 8 }), true)
    assert.equal(await holds(decision(1), { ...options, carriedTo: null }), true)
  })

  it('is asked of nothing else', async () => {
    const options = await optionsOf(topologyWithout(), ['a'])
    const value = batchOf(3)
    assert.equal(await decided(value, options), value)
  })
})
