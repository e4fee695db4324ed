import assert from 'node:assert/strict'
import { it } from 'node:test'
import { pipe } from 'rxjs'
import { type Batch, reject } from '../batch/batch.ts'
import { type Value, valueAt } from '../batch/column.ts'
import { deadLetter, drop, keep, mapBatch, mapEvents } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { StageTestDriver } from '../testing/driver.ts'
import { batchOf, batchTopic } from '../testing/samples.ts'
import { VERSION } from '../version.ts'

const [read, written] = ['read', 'written'].map((name) => batchTopic(`test.${name}.v1`))

function columns(batch: Batch): Record<string, Value[]> {
  return Object.fromEntries(
    [...batch.columns].map(([name, column]) => [
      name,
      Array.from({ length: batch.eventCount }, (_, row) => valueAt(column, row)),
    ]),
  )
}

it('are the events as the stage read them, whatever it had done to them before, and say who could not treat them', () => {
  const stage = defineStage({
    name: 'judge',
    consumes: read,
    produces: written,
    build: () =>
      pipe(
        mapEvents((event) => (event.get('name') === 'a' ? drop('no_use') : keep({ name: 'changed', more: 1n }))),
        mapEvents((event) => (event.get('size') === 3n ? deadLetter('too_large', 'it is 3') : keep())),
      ),
  })
  const driver = new StageTestDriver(stage)
  const sent = batchOf(
    0,
    { name: ['text', ['a', 'b', 'c']], size: ['long', [1n, 2n, 3n]] },
    {
      outcomes: new Map([['dropped:refused', 2]]),
    },
  )
  const out = driver.pipe(sent)
  assert.deepEqual([columns(out).name, [...out.outcomes.values()]], [['changed'], [2, 1, 1]])
  const [dead] = driver.deadLetters
  assert.deepEqual(columns(dead), {
    name: ['c'],
    size: [3n],
    position: [2n],
    'dead_letter.code': ['too_large'],
    'dead_letter.detail': ['it is 3'],
    'dead_letter.stage': ['judge'],
    'dead_letter.version': [VERSION],
  })
  assert.deepEqual([dead.origin.offset, dead.outcomes.size], [0, 0])
})

it('of a stage’s own making are as it made them', () => {
  const stage = defineStage({
    name: 'maker',
    consumes: read,
    produces: written,
    build: () =>
      mapBatch((batch) => {
        const made = batchOf(0, { name: ['text', ['made']], position: ['long', [65_535n]] }, { origin: batch.origin })
        const { deadLetters } = reject(made, [{ row: 0, kind: 'deadLetter', code: 'no', detail: '' }])
        return { ...batch, deadLetters }
      }),
  })
  const driver = new StageTestDriver(stage)
  driver.pipe(batchOf(0, { name: ['text', ['a']] }))
  assert.deepEqual(columns(driver.deadLetters[0]).name, ['made'])
})
