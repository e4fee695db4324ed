/**
 * The conformance suite where connections are cut: after the broker has done what it was asked, before the answer arrives, or
 * before it hears of it. At seeded moments, of every kind of request.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KIND, seededLoss, startCutProxy } from '../../testing/cut_proxy.ts'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import { freePorts } from '../../testing/services/ports.ts'
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
      let log = await open()
      return {
        get log() {
          return log
        },
        async reopen() {
          await log.close()
          log = await open()
        },
        async close() {
          await log.close()
          for (const [kind, count] of proxy.lost) lost.set(kind, count)
          await proxy.close()
          await services.close()
        },
      }
    },
    { unreliable: true },
  )

  test('what was lost is what matters: answers to appends, reads, commits and joins', () => {
    for (const kind of [KIND.produce, KIND.fetch, KIND.listOffsets, KIND.offsetCommit, KIND.joinGroup]) {
      assert.ok((lost.get(kind) ?? 0) > 0, `kind ${kind}, seed ${SEED}: ${JSON.stringify([...lost])}`)
    }
  })
})
