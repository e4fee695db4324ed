/** Many processes on one Kafka: workers come and go under load, and every acknowledged event is stored once. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { servicesMissing } from '#pipeline/testing/services/artifacts.ts'
import { until } from '#pipeline/testing/until.ts'
import type { TestServer } from './server.ts'
import { createKafkaWorld, type KafkaWorld, PARTITIONS } from './testing/kafka_world.ts'

interface Report {
  readonly parts: readonly {
    readonly name: string
    readonly partitions: readonly {
      readonly condition: string
      readonly worker?: string
      readonly lag_records: number
    }[]
  }[]
  readonly workers: readonly { readonly name: string; readonly roles: readonly string[] }[]
}

describe('on Kafka, in many processes', { skip: servicesMissing() }, () => {
  let world: KafkaWorld
  let receiver: TestServer
  let page: TestServer
  before(async () => {
    world = await createKafkaWorld()
    receiver = await world.start('--roles', 'receive')
    page = await world.start('--roles', 'query,ui')
    await world.start('--roles', 'lake')
  })
  after(() => world?.close())

  const report = async () => (await (await page.get('/v1/topology')).json()) as Report
  const owners = async (part: string): Promise<(string | undefined)[]> => {
    const { parts } = await report()
    return parts.find(({ name }) => name === part)!.partitions.map(({ worker }) => worker)
  }

  it('two, four and eight workers share the partitions, and give them back', { timeout: 240_000 }, async () => {
    const load = world.load(() => receiver.otlpUrl)
    const workers: TestServer[] = []
    for (const count of [2, 4, PARTITIONS]) {
      const added = Array.from({ length: count - workers.length }, () => world.start('--roles', 'stages'))
      workers.push(...(await Promise.all(added)))
      await until(async () => {
        const found = await owners('normalize')
        return !found.includes(undefined) && new Set(found).size === count
      })
      await load.more(2_000)
    }
    assert.equal((await report()).workers.length, PARTITIONS + 3)
    // As a deployment does: a signal, and what is in flight is finished.
    for (const worker of workers.slice(1)) {
      assert.equal(await worker.stop('SIGTERM'), 0, worker.output())
      await load.more(200)
    }
    await until(async () => new Set(await owners('normalize')).size === 1)
    await load.stop()
    await load.assertStored(page)
    await workers[0].stop('SIGTERM')
  })

  it('workers killed at any moment lose nothing and double nothing', { timeout: 240_000 }, async () => {
    const load = world.load(() => receiver.otlpUrl, { prefix: 'killed' })
    const start = () => world.start('--roles', 'stages,lake')
    const workers = await Promise.all([start(), start()])
    for (let kill = 0; kill < 4; kill++) {
      await load.more(1 + Math.floor(Math.random() * 1_500))
      await workers[kill % 2].stop('SIGKILL')
      workers[kill % 2] = await start()
    }
    await load.stop()
    await load.assertStored(page)
    for (const worker of workers) assert.equal(await worker.stop('SIGTERM'), 0, worker.output())
  })
})
