/** Events that are to be treated again: past the stages before, through the one that is meant and those behind it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { valueAt } from '../batch/column.ts'
import { deadLetter, keep, mapBatch, mapEvents } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import { StageTestDriver } from '../testing/driver.ts'
import { batchOf, batchTopic, sourceTopic } from '../testing/samples.ts'

const raw = sourceTopic('test.raw.v1')
const [one, two, three] = ['one', 'two', 'three'].map((name) => batchTopic(`test.${name}.v1`))

/** Appends its name to every event's; cannot treat those named `bad`. */
function marking(name: string, consumes: Topic<Batch>, produces: Topic<Batch>) {
  return defineStage({
    name,
    consumes,
    produces,
    build: () =>
      mapEvents((event) =>
        event.get('name') === 'bad' ? deadLetter('bad', 'no') : keep({ name: `${event.get('name')}>${name}` }),
      ),
  })
}

const drivers = () =>
  [marking('first', raw, one), marking('second', one, two), marking('third', two, three)].map(
    (stage) => new StageTestDriver(stage),
  )

const requeued = (stage: string, names: string[], positions: readonly number[] = []): Batch => {
  const dead = batchOf(3, { name: ['text', names], position: ['long', names.map((_, at) => BigInt(at + 5))] })
  return {
    ...batchOf(9, {}, { raw: dead.raw, receivedAt: dead.receivedAt, outcomes: new Map([['dead_letter:bad', -2]]) }),
    requeue: { stage, record: one.codec.encode({ ...dead, outcomes: new Map([['dropped:x', 7]]) }, 1), positions },
  }
}

const names = (batch: Batch) =>
  Array.from({ length: batch.eventCount }, (_, row) => valueAt(batch.columns.get('name')!, row))

function run(input: Batch): readonly Batch[] {
  const outputs: Batch[] = []
  for (const driver of drivers()) outputs.push(driver.pipe(outputs.at(-1) ?? input))
  return outputs
}

describe('events to be treated again', () => {
  it('go past the stages before the one they are for, and through it and those behind', () => {
    const [first, second, third] = run(requeued('second', ['a', 'b']))
    assert.deepEqual([first.eventCount, first.requeue?.stage, second.requeue], [0, 'second', undefined])
    assert.deepEqual(names(second), ['a>second', 'b>second'])
    assert.deepEqual(names(third), ['a>second>third', 'b>second>third'])
  })

  it('have the place in the order of the record they came in, and the lineage and time they always had', () => {
    for (const output of run(requeued('second', ['a']))) {
      assert.deepEqual([output.origin.offset, output.origin.previous], [9, 8])
      assert.deepEqual([output.raw.offset, output.receivedAt], [3, batchOf(3).receivedAt])
    }
  })

  it('take back what was counted when they failed, once they are treated', () => {
    const [first, second, third] = run(requeued('second', ['a', 'b']))
    assert.deepEqual([...first.outcomes], [['dead_letter:bad', -2]])
    assert.deepEqual([...second.outcomes], [['dead_letter:bad', -2]])
    assert.deepEqual([...third.outcomes], [['dead_letter:bad', -2]])
    assert.equal(second.receivedBytes, 0)
  })

  it('that fail again are dead letters again: nothing is taken back', () => {
    const [first, second] = drivers()
    const output = second.pipe(first.pipe(requeued('second', ['a', 'bad'])))
    assert.deepEqual([names(output), [...output.outcomes]], [['a>second'], [['dead_letter:bad', -1]]])
    assert.deepEqual(second.deadLetters.map(names), [['bad']])
    assert.deepEqual(second.deadLetters[0].origin.offset, 9)
  })

  it('that cannot be read are put aside', () => {
    const [first, second] = drivers()
    const broken = requeued('second', ['a'])
    const input = { ...broken, requeue: { ...broken.requeue!, record: Buffer.from('{') } }
    const output = second.pipe(first.pipe(input))
    assert.deepEqual([output.eventCount, output.requeue, output.outcomes.size], [0, undefined, 0])
    assert.equal(valueAt(second.deadLetters[0].columns.get('dead_letter.code')!, 0), 'unreadable')
  })

  it('of a source’s stage say which of a record’s events are meant', () => {
    const meant: unknown[] = []
    const stage = defineStage<Batch, Batch>({
      name: 'first',
      consumes: raw,
      produces: one,
      build: () =>
        mapBatch((batch) => {
          meant.push((batch as Carrier).only)
          return batch
        }),
    })
    new StageTestDriver(stage).pipe(requeued('first', ['a', 'b'], [5]))
    assert.deepEqual(meant, [[5]])
  })
})
