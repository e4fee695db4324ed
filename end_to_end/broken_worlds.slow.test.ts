/** What breaks around millrace on Kafka: after each, the events in SQL are those acknowledged, none twice. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { servicesMissing } from '#pipeline/testing/services/artifacts.ts'
import { until } from '#pipeline/testing/until.ts'
import type { TestServer } from './server.ts'
import { POINTS } from './testing/die_at.ts'
import { createKafkaWorld, type KafkaWorld } from './testing/kafka_world.ts'

const PAUSE_MS = 30_000
const DIE_AT = pathToFileURL(join(import.meta.dirname, 'testing/die_at.ts')).href

describe('on Kafka, where the world breaks', { skip: servicesMissing() }, () => {
  let world: KafkaWorld
  let front: TestServer
  before(async () => {
    world = await createKafkaWorld()
    front = await world.start('--roles', 'receive,query,ui')
  })
  after(() => world?.close())

  const load = (prefix: string) => world.load(() => front.otlpUrl, { prefix })
  const isReady = async (server: TestServer) => (await server.get('/readyz')).ok

  for (const point of POINTS) {
    it(`workers killed at point ${point}`, { timeout: 240_000 }, async () => {
      const own = load(`at${point[0]}`)
      const dying = async (role: string) => {
        const env = { NODE_OPTIONS: `--import=${DIE_AT}`, DIE_AT: `${point}*${1 + Math.floor(Math.random() * 20)}` }
        const worker = await world.startWith(env, '--roles', role).catch((error: Error) => {
          assert.match(error.message, /ended with SIGKILL/)
          return null
        })
        assert.equal(await (worker?.ended ?? null), null, 'it was killed')
      }
      await dying('stages')
      const stages = await world.start('--roles', 'stages')
      // A sink appends nothing.
      if (!/append/.test(point)) await dying('lake')
      const lake = await world.start('--roles', 'lake')
      await own.stop()
      await own.assertStored(front)
      for (const worker of [stages, lake]) assert.equal(await worker.stop('SIGTERM'), 0, worker.output())
    })
  }

  it('the broker killed and started again, the registry gone', { timeout: 240_000 }, async () => {
    const worker = await world.start('--roles', 'stages,lake')
    const own = load('broker')
    await own.more(1_000)
    await world.registry.kill()
    await own.more(1_000)
    for (let kill = 0; kill < 2; kill++) {
      await world.kafka.kill()
      await world.kafka.restart()
      await own.more(1_000)
    }
    // Who starts meanwhile waits for the registry.
    const late = world.start('--roles', 'stages')
    await own.more(200)
    await world.registry.restart()
    assert.ok(await isReady(await late))
    await own.stop()
    await own.assertStored(front)
    await until(() => isReady(worker))
    await Promise.all([worker, await late].map((each) => each.stop('SIGTERM')))
  })

  it('the broker frozen for thirty seconds', { timeout: 240_000 }, async () => {
    const worker = await world.start('--roles', 'stages,lake')
    const own = load('frozen')
    await own.more(1_000)
    world.kafka.pause()
    // This is the time that is tested: longer than any session.
    await delay(PAUSE_MS)
    world.kafka.resume()
    await own.more(1_000)
    await own.stop()
    await own.assertStored(front)
    await until(() => isReady(worker))
    assert.equal(await worker.stop('SIGTERM'), 0, worker.output())
  })

  it('after all of it', async () => {
    const [counts] = await front.query('select count(*), count(distinct id) from otel_logs_and_spans')
    assert.deepEqual(counts.map(Number), [world.acknowledged, world.acknowledged])
  })
})
