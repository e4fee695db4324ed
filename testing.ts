/** What a test of a stage of one's own may import: `import { describeTransform, eventsOf } from 'millrace/testing'`. */
import type { Batch, Signal } from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'
import type { Transform } from '#pipeline/stage/transform.ts'
import { describeStage } from '#pipeline/testing/describe_stage.ts'
import { StageTestDriver, TopologyTestDriver } from '#pipeline/testing/driver.ts'
import { batchOfGolden, describeGolden } from '#pipeline/testing/golden.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import { inspect } from '#schemas/otlp/inspect.ts'
import { transcodeJson } from '#schemas/otlp/json.ts'
import { rawBatch } from '#schemas/otlp/testing/raw.ts'
import { telemetryEvents, telemetryRaw } from '#schemas/topics.ts'
import { telemetry } from '#topologies/telemetry.topology.ts'

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

/**
 * Golden files of a transform: each `x.in.json` in `folder` goes in, `x.out.json` must come out; `UPDATE_GOLDEN=1` writes the
 * latter anew, for you to review. Longs are written as text.
 */
export function describeGoldenFiles(transform: Transform, folder: URL): void {
  describeGolden(folder, (input: Parameters<typeof batchOfGolden>[0]) => driverOf(transform).pipe(batchOfGolden(input)))
}

/** All of the pipeline from an export to the events that are stored, without a broker, and time moved by hand. */
export class PipelineTestDriver {
  readonly #driver: TopologyTestDriver
  #second = 0

  /** @param change as the default export of `millrace.config.ts` */
  constructor(change: (telemetry: Topology) => Topology = (topology) => topology) {
    this.#driver = new TopologyTestDriver(change(telemetry))
  }

  /**
   * Sends an export of OTLP/JSON, `{ resourceLogs: […] }`; each is received a second after the one before.
   * @throws MalformedError where the receiver would refuse it
   */
  send(signal: Signal, request: object): void {
    const body = Buffer.from(JSON.stringify(request))
    const { eventCount } = inspect(transcodeJson(body, signal), signal)
    const key = Buffer.alloc(16)
    key.writeUInt32LE(this.#second)
    const batch = rawBatch(signal, [], this.#second++)
    const { receivedAt } = batch
    const exports = [{ key, receivedAt, contentType: 'application/json', body, eventCount, refused: [] }] as const
    this.#driver.pipe(telemetryRaw, { ...batch, exports, eventCount })
  }

  /** Lets time pass: nothing comes for `seconds`. */
  wait(seconds: number): void {
    this.#second += seconds
    this.#driver.pipe(telemetryRaw, { ...rawBatch('logs', [], this.#second++), projectId: '' })
  }

  /** What has come out so far, as plain objects. */
  get events(): Record<string, Value>[] {
    return this.#driver.read(telemetryEvents).flatMap(eventsOf)
  }

  /** What a stage has put aside so far. */
  deadLetters(stage: string): Record<string, Value>[] {
    return this.#driver.deadLetters(stage).flatMap(eventsOf)
  }
}
