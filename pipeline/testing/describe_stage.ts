/** The conformance suite every stage gets for one line. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../batch/batch.ts'
import { selectEvents } from '../batch/batch.ts'
import { type Value, valueAt } from '../batch/column.ts'
import type { Stage } from '../stage/stage.ts'
import type { Carrier } from '../stage/topic.ts'
import { StageTestDriver } from './driver.ts'

/**
 * @param samples inputs in order (ascending origins), together meeting everything the stage does
 */
export function describeStage<In extends Carrier, Out extends Carrier>(
  stage: Stage<In, Out>,
  samples: readonly In[],
): void {
  describe(`${stage.name} keeps the contract of a stage`, () => {
    it('has samples with events', () => {
      assert.ok(samples.some((sample) => sample.eventCount > 0))
    })

    it('gives one batch for each, with the same origin and time', () => {
      const driver = new StageTestDriver(stage)
      for (const sample of samples) {
        const output = driver.pipe(sample)
        assert.deepEqual({ ...output.origin }, { ...sample.origin })
        assert.equal(output.receivedAt, sample.receivedAt)
      }
    })

    it('is deterministic', () => {
      assert.deepEqual(encodedRun(stage, samples), encodedRun(stage, samples))
    })

    it('does not change its input', () => {
      const driver = new StageTestDriver(stage)
      const { codec } = stage.consumes
      for (const sample of samples) {
        const input = codec.decode(codec.encode(sample, 1), sample.origin)
        const before = Buffer.from(codec.encode(input, 1))
        driver.pipe(input)
        assert.deepEqual(Buffer.from(codec.encode(input, 1)), before)
      }
    })

    it('goes on after a restart as if it had never stopped', () => {
      const whole = encodedRun(stage, samples)
      for (let cut = 1; cut < samples.length; cut++) {
        const before = new StageTestDriver(stage)
        for (const sample of samples.slice(0, cut)) before.pipe(sample)
        const after = new StageTestDriver(stage)
        after.restore(before.snapshot(), samples.slice(0, cut))
        const rest = samples.slice(cut).map((sample) => encoded(stage, after.pipe(sample)))
        assert.deepEqual(rest, whole.slice(cut), `stopped after ${cut} of ${samples.length}`)
      }
    })

    const batches = samples.filter((sample): sample is In & Batch => 'columns' in sample)
    if (batches.length > 0) {
      it('gives the same events however they are cut into batches', () => {
        const whole = new StageTestDriver(stage as unknown as Stage<Batch, Batch>)
        const cut = new StageTestDriver(stage as unknown as Stage<Batch, Batch>)
        for (const batch of batches) {
          const together = rows(whole.pipe(batch))
          const apart: unknown[] = []
          for (const piece of pieces(batch)) apart.push(...rows(cut.pipe(piece)))
          assert.deepEqual(apart, together)
        }
      })
    }
  })
}

function encodedRun<In extends Carrier, Out extends Carrier>(stage: Stage<In, Out>, samples: readonly In[]): Buffer[] {
  const driver = new StageTestDriver(stage)
  return samples.map((sample) => encoded(stage, driver.pipe(sample)))
}

function encoded<In extends Carrier, Out extends Carrier>(stage: Stage<In, Out>, output: Out): Buffer {
  return Buffer.from(stage.produces.codec.encode(output, 1))
}

/** The batch in up to three, of the same origin. */
function pieces(batch: Batch): Batch[] {
  if (batch.eventCount === 0) return [batch]
  const third = Math.max(1, Math.ceil(batch.eventCount / 3))
  const parts: Batch[] = []
  for (let from = 0; from < batch.eventCount; from += third) {
    const length = Math.min(third, batch.eventCount - from)
    parts.push(
      selectEvents(
        batch,
        Array.from({ length }, (_, at) => from + at),
      ),
    )
  }
  return parts
}

/** Events as plain objects without nulls: which columns a batch happens to have does not count. */
function rows(batch: Batch): Record<string, Value>[] {
  return Array.from({ length: batch.eventCount }, (_, row) => {
    const event: Record<string, Value> = {}
    for (const [name, column] of [...batch.columns].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const value = valueAt(column, row)
      if (value !== null && name !== 'position') event[name] = value
    }
    return event
  })
}
