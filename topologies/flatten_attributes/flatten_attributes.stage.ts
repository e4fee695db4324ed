/** Second stage: attributes that SQL has a column for are put there, whatever they were called in their day. */
import { z } from 'zod'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { mapBatch } from '#pipeline/stage/operators.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { telemetryFlattened, telemetryNormalized } from '#schemas/topics.ts'
import { flatten } from './flatten_attributes.ts'
import { PROMOTED, targetsOf } from './promotion.ts'

const known = new Set(PROMOTED)

export const flattenAttributes = defineStage({
  name: 'flatten_attributes',
  consumes: telemetryNormalized,
  produces: telemetryFlattened,
  config: z.strictObject({
    /** `<scope>.<key>` of the attributes to promote, among those that a table has a column for. */
    promote: z
      .array(
        z.string().refine((name) => known.has(name), { error: ({ input }) => `no table has a column for ${input}` }),
      )
      .default([...PROMOTED]),
  }),
  build: ({ promote }) => {
    const targets = new Map(SIGNALS.map((signal) => [signal, targetsOf(signal, promote)]))
    return mapBatch((batch) => flatten(batch, targets.get(batch.signal)!))
  },
})
