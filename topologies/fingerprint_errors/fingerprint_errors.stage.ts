/** Third stage: what makes errors and messages comparable is worked out, once, before anything is stored. */
import { mapBatch } from '#pipeline/stage/operators.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { telemetryEvents, telemetryFlattened } from '#schemas/topics.ts'
import { fingerprint } from './fingerprint_errors.ts'

export const fingerprintErrors = defineStage({
  name: 'fingerprint_errors',
  consumes: telemetryFlattened,
  produces: telemetryEvents,
  build: () => mapBatch(fingerprint),
})
