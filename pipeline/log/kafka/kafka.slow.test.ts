/** The conformance suite on Apache Kafka and a Confluent-compatible registry. */
import { describe } from 'node:test'
import { reopened } from '../../testing/reopened.ts'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import { describeEventLog } from '../conformance.ts'
import { createKafkaLog } from './kafka.ts'
import { startServices } from './testing.ts'

describe('on real servers', { skip: servicesMissing() }, () => {
  describeEventLog('the log on Kafka', async () => {
    const services = await startServices()
    const open = () => createKafkaLog(services.options)
    return reopened(open, () => services.close())
  })
})
