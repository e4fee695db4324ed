import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapBatch } from '#pipeline/stage/operators.ts'
import type { AnySink } from '#pipeline/stage/sink.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { defineTopology } from '#pipeline/topology/topology.ts'
import { eventBatchCodec } from '#schemas/event_batch.ts'
import { telemetryNormalized, telemetryRaw } from '#schemas/topics.ts'
import { deadTopics } from './topics.ts'

test('a sink on a topic that a stage reads changes nothing of its dead letters', () => {
  const [consumes, produces] = [telemetryRaw, telemetryNormalized]
  const stage = defineStage({ name: 'stage', consumes, produces, build: () => mapBatch((batch) => batch) } as never)
  const sink: AnySink = { name: 'sink', consumes: telemetryRaw, open: () => assert.fail() }
  const topics = deadTopics(defineTopology('test', [stage], [sink]))
  assert.deepEqual(
    topics.map(({ of, dead }) => [of, dead.name, dead.codec]),
    [['telemetry.raw.v1', 'telemetry.raw.v1.dlq', eventBatchCodec]],
  )
})
