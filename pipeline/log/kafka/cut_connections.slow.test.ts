/**
 * The conformance suite where connections are cut: after the broker has done what it was asked, before the answer arrives, or
 * before it hears of it. At seeded moments, of every kind of request.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KIND, seededLoss, startCutProxy } from '../../testing/cut_proxy.ts'
import { joined, sequence } from '../../testing/log_steps.ts'
import { reopened } from '../../testing/reopened.ts'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import { freePorts } from '../../testing/services/ports.ts'
import { until } from '../../testing/until.ts'
import { describeEventLog } from '../conformance.ts'
import { createKafkaLog } from './kafka.ts'
import { startServices } from './testing.ts'

const SEED = Number(process.env.CUT_SEED ?? 20_261_126)
/** One request in so many, on average. */
const RATE = Number(process.env.CUT_RATE ?? 6)

describe('behind a proxy that cuts', { skip: servicesMissing() }, () => {
  const lost = new Map<number, number>()
  describeEventLog(
    'the log on Kafka',
    async () => {
      const [port] = await freePorts(1)
      const services = await startServices({ advertisedPort: port })
      const lose = seededLoss(SEED, RATE)
      const proxy = await startCutProxy({ port, target: services.kafka.port, lose })
      const open = () => createKafkaLog({ ...services.options, brokers: [`127.0.0.1:${port}`], warn: () => {} })
      return reopened(open, async () => {
        for (const [kind, count] of proxy.lost) lost.set(kind, count)
        await proxy.close()
        await services.close()
      })
    },
    { unreliable: true },
  )

  test('what was lost is what matters: answers to appends, reads, commits and joins', () => {
    for (const kind of [KIND.produce, KIND.fetch, KIND.listOffsets, KIND.offsetCommit, KIND.joinGroup]) {
      assert.ok((lost.get(kind) ?? 0) > 0, `kind ${kind}, seed ${SEED}: ${JSON.stringify([...lost])}`)
    }
  })
})

test('while nothing happens little is asked, however many partitions are waited for', {
  skip: servicesMissing(),
}, async () => {
  const [port] = await freePorts(1)
  const services = await startServices({ advertisedPort: port })
  const asked = new Map<number, number>()
  const count = (kind: number) => asked.get(kind) ?? 0
  const proxy = await startCutProxy({
    port,
    target: services.kafka.port,
    lose: (kind) => {
      asked.set(kind, count(kind) + 1)
      return null
    },
  })
  const log = await createKafkaLog({ ...services.options, brokers: [`127.0.0.1:${port}`] })
  const t = 'idle.v1'
  await log.createTopics([{ name: t, partitions: 64, retentionMs: 3_600_000, retentionBytes: null }])
  const abort = new AbortController()
  const waiting = sequence(0, 64).map((partition) => log.waitFor(t, partition, 0, abort.signal))
  await joined(log, 'idle', [t])
  asked.clear()
  // A heartbeat a second is the clock: a poll takes a quarter of one.
  await until(() => count(KIND.heartbeat) > 3)
  assert.ok(count(KIND.fetch) <= 5 * (count(KIND.heartbeat) + 1), JSON.stringify([...asked]))
  const others = [...asked].filter(([kind]) => kind !== KIND.fetch && kind !== KIND.heartbeat)
  assert.deepEqual(others, [])
  abort.abort()
  await Promise.all(waiting)
  await log.close()
  await proxy.close()
  await services.close()
})
