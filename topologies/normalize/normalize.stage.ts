/** First stage: what receivers wrote becomes events. */
import { z } from 'zod'
import type { Batch } from '#pipeline/batch/batch.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { stateful } from '#pipeline/stage/stateful.ts'
import type { RawBatch } from '#schemas/raw_record.ts'
import { telemetryNormalized, telemetryRaw } from '#schemas/topics.ts'
import { ExportWindow } from './export_window.ts'
import { normalizeRecord } from './normalize.ts'

export const normalize = defineStage({
  name: 'normalize',
  consumes: telemetryRaw,
  produces: telemetryNormalized,
  config: z.strictObject({
    /** An export with the key of one seen within this time is a retry. */
    retryWindowMs: z.number().int().positive().default(600_000),
    /** Keys remembered per partition at most, at about 150 bytes each. */
    maxKeys: z.number().int().positive().default(262_144),
  }),
  build: ({ retryWindowMs, maxKeys }, context) =>
    stateful<ExportWindow, RawBatch, Batch>(context, {
      initial: () => new ExportWindow(retryWindowMs, maxKeys),
      window: {
        durationMs: retryWindowMs,
        remember(window, raw) {
          for (const part of raw.exports) window.add(part.key, raw.receivedAt)
        },
      },
      step: (window, raw) => normalizeRecord(raw, window),
    }),
})
