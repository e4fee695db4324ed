/** What a test of a stage of one's own may import: `import { describeTransform, eventsOf } from 'millrace/testing'`. */
import type { Batch } from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'
import type { Transform } from '#pipeline/stage/transform.ts'
import { describeStage } from '#pipeline/testing/describe_stage.ts'
import { StageTestDriver } from '#pipeline/testing/driver.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { telemetryEvents } from '#schemas/topics.ts'

/**
 * A batch of events by column: `batchOf(0, { level: ['text', ['INFO', 'ERROR']] })`. Its place in the order is the first
 * argument; it was received that many seconds into 2026.
 */
export { batchOf }

/** Runs a transform as the pipeline does, by way of its topics' real bytes. */
export function driverOf(transform: Transform): StageTestDriver<Batch, Batch> {
  return new StageTestDriver(transform.before(telemetryEvents))
}

/** The conformance suite of stages, for a transform: call it in a test file. @param samples in order */
export function describeTransform(transform: Transform, samples: readonly Batch[]): void {
  describeStage(transform.before(telemetryEvents), samples)
}

/** The events of a batch as plain objects, without nulls. */
export function eventsOf(batch: Batch): Record<string, Value>[] {
  return Array.from({ length: batch.eventCount }, (_, row) => {
    const event: Record<string, Value> = {}
    for (const [name, column] of batch.columns) {
      const value = valueAt(column, row)
      if (value !== null) event[name] = value
    }
    return event
  })
}
