/** The conformance suite on Apache Kafka and a Confluent-compatible registry. */
import { describe } from 'node:test'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import { describeEventLog } from '../conformance.ts'
import { createKafkaLog } from './kafka.ts'
import { startServices } from './testing.ts'

describe('on real servers', { skip: servicesMissing() }, () => {
  describeEventLog('the log on Kafka', async () => {
    const services = await startServices()
    const open = () => createKafkaLog(services.options)
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
        await services.close()
      },
    }
  })
})
