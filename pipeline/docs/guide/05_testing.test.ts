/**
 * # 5. Testing
 *
 * Nothing has to run: no broker, no server, no clock. The drivers here are those our own stages are tested with, by way of the
 * real bytes of the topics. This transform marks what comes after half a minute of silence:
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Batch,
  columnOf,
  defineTransform,
  isTick,
  jsonState,
  stateful,
  type Topology,
  withColumns,
} from 'millrace'
import {
  batchOf,
  describeGoldenFiles,
  describeTransform,
  driverOf,
  eventsOf,
  PipelineTestDriver,
} from 'millrace/testing'

const SILENCE = 30_000_000

export const markReturn = defineTransform({
  name: 'mark_return',
  build: (_, context) =>
    stateful<{ last: number; returned: boolean }, Batch, Batch>(context, {
      initial: () => ({ last: 0, returned: false }),
      snapshot: jsonState(),
      step(state, batch) {
        if (isTick(batch) || batch.eventCount === 0) return batch
        // What is received at one moment may come in several batches: they are treated alike.
        if (batch.receivedAt !== state.last) state.returned = batch.receivedAt - state.last > SILENCE
        state.last = batch.receivedAt
        if (!state.returned) return batch
        return withColumns(batch, [['attributes.returned', columnOf('boolean', Array(batch.eventCount).fill(true))]])
      },
    }),
})

/**
 * ## One transform
 *
 * `batchOf(second, columns)` is a batch that was received so many seconds into 2026: time is data, so a test moves it by hand.
 * `driverOf` keeps the transform's state between batches, and its dead letters. A tick is a batch of no project.
 */
const at = (second: number) => batchOf(second, { name: ['text', ['order', 'receipt']] })
const tick = (second: number) => batchOf(second, {}, { projectId: '' })

it('marks what comes after a silence; ticks do not break it', () => {
  const driver = driverOf(markReturn)
  const marks = [at(0), at(10), tick(35), at(41), at(42)].map((batch) =>
    eventsOf(driver.pipe(batch)).map((event) => event['attributes.returned'] ?? false),
  )
  assert.deepEqual(marks, [[true, true], [false, false], [], [true, true], [false, false]])
  assert.deepEqual(driver.deadLetters, [])
})

/**
 * ## The contract, for one line
 *
 * Deterministic, input untouched, the same after a restart between any two samples. Where the samples can be cut into batches at
 * will, that too. Give it samples that meet everything the transform does.
 */
describeTransform(markReturn, [at(0), at(10), tick(35), at(41)])

/**
 * ## Golden files
 *
 * For transforms that touch many columns: what goes in and what must come out, as files that people can review. Write the
 * `.in.json`, run the test once with `UPDATE_GOLDEN=1`, read what it wrote.
 */
describeGoldenFiles(markReturn, new URL('./golden/', import.meta.url))

/**
 * ## With everything around it
 *
 * `PipelineTestDriver` takes the function that `millrace.config.ts` exports and runs the topology as a whole: an export of OTLP
 * goes in, the events that the lake would store come out.
 */
const config = (telemetry: Topology): Topology => telemetry.insert(markReturn, { after: 'normalize' })

const order = (name: string) => ({
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: name } }] }] }],
})

it('runs among the others', () => {
  const pipeline = new PipelineTestDriver(config)
  pipeline.send('logs', order('first'))
  pipeline.send('logs', order('second'))
  pipeline.wait(60)
  pipeline.send('logs', order('third'))
  assert.deepEqual(
    pipeline.events.map((event) => [event.body, event['attributes.returned']]),
    [
      ['"first"', true],
      ['"second"', undefined],
      ['"third"', true],
    ],
  )
  assert.deepEqual(pipeline.deadLetters('mark_return'), [])
})

it('refuses what the receiver would refuse', () => {
  assert.throws(() => new PipelineTestDriver(config).send('logs', { resourceLogs: 'none' }), { name: 'MalformedError' })
})
