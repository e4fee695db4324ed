/**
 * `npm run services`: Apache Kafka and a schema registry on this machine, for trying out millrace on them. In Docker where
 * an engine answers, else from Maven Central's jars.
 */
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { OperatorError } from '../../errors/errors.ts'
import { fetchKafka, fetchRegistry } from './artifacts.ts'
import { engineAnswers, startKafkaContainer, startRegistryContainer } from './docker.ts'
import { startKafka } from './kafka.ts'
import { freePorts, isFree } from './ports.ts'
import { registryUrl, startRegistry } from './registry.ts'

interface Options {
  readonly kafkaPort?: number
  readonly registryPort?: number
  readonly registryOnly: boolean
  readonly folder: string
  readonly docker: boolean
  readonly fetch: boolean
}

/** What runs, as far as it matters here. */
interface Service {
  readonly ended: Promise<string>
  close(): Promise<void>
}

interface Ports {
  /** `undefined` for no Kafka. */
  readonly kafka: number | undefined
  readonly registry: number
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

function asPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('a port is 1 to 65535')
  return port
}

await new Command('npm run services --')
  .description('Starts Apache Kafka and a schema registry on this machine, and stops them on Ctrl-C.')
  .option('--kafka-port <port>', 'default: 9092, or a free one where that is taken', asPort)
  .option('--registry-port <port>', 'default: 8081, or a free one where that is taken', asPort)
  .option('--registry-only', 'without Kafka', false)
  .option('--folder <path>', 'where their data is kept between runs', './services-data')
  .option('--no-docker', "Maven Central's jars, also where Docker runs")
  .option('--fetch', "only fetch Maven Central's jars", false)
  .action((options: Options) => (options.fetch ? fetchJars() : main(options)))
  .parseAsync()

async function main(options: Options): Promise<void> {
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  })
  const running: Service[] = []
  let isOver = false
  interrupted.then(() => {
    isOver = true
  })
  try {
    const ports = {
      kafka: options.registryOnly ? undefined : await choosePort('--kafka-port', options.kafkaPort, 9092),
      registry: await choosePort('--registry-port', options.registryPort, 8081),
    }
    const kept = await start(ports, options, running, () => isOver)
    if (isOver) return
    say('\nThey answer. For millrace:\n')
    if (ports.kafka !== undefined) say(`export MILLRACE_LOG=kafka://127.0.0.1:${ports.kafka}`)
    say(`export MILLRACE_SCHEMA_REGISTRY_URL=${registryUrl(ports.registry)}`)
    say(`\nTheir data stays in ${kept}. Ctrl-C stops them.`)
    const ended = await Promise.race([interrupted, ...running.map((service) => service.ended)])
    if (ended !== undefined) throw new OperatorError(`one of them stopped by itself: ${ended}`)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    // A Ctrl-C goes to Maven and Docker, too: what they say then is no error.
    if (!isOver) {
      process.stderr.write(`${error.message}\n`)
      process.exitCode = 1
    }
  } finally {
    await Promise.all(running.map((service) => service.close()))
    if (process.exitCode !== 1) say('\nThey are stopped.')
  }
  process.exit()
}

/** @returns where their data is */
async function start(ports: Ports, options: Options, running: Service[], isOver: () => boolean): Promise<string> {
  if (options.docker && (await engineAnswers())) {
    try {
      say('starting them in Docker')
      if (ports.kafka !== undefined) running.push(await startKafkaContainer(ports.kafka))
      if (!isOver()) running.push(await startRegistryContainer(ports.registry))
      return "Docker's volumes millrace-kafka and millrace-registry"
    } catch (error) {
      say(`Docker did not: ${(error as Error).message}\nstarting them with Java`)
      await Promise.all(running.splice(0).map((service) => service.close()))
    }
  }
  const folder = resolve(options.folder)
  const kafka = async () => {
    if (ports.kafka === undefined) return
    running.push(await startKafka({ port: ports.kafka, folder: join(folder, 'kafka'), jvm: ['-Xmx1g'], progress: say }))
    say('Kafka 4.1.1 is up')
  }
  const registry = async () => {
    running.push(await startRegistry({ port: ports.registry, folder: join(folder, 'registry'), progress: say }))
    say('Apicurio Registry 3.0.9 is up')
  }
  say('starting them with Java')
  // Both to their end, so that what came up is known and stopped where the other did not.
  const results = await Promise.allSettled([kafka(), registry()])
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return folder
}

/** For a machine that will be without a net, or where many start them at the same time. */
async function fetchJars(): Promise<void> {
  try {
    await fetchKafka(say)
    await fetchRegistry(say)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}

async function choosePort(option: string, wanted: number | undefined, preferred: number): Promise<number> {
  if (await isFree(wanted ?? preferred)) return wanted ?? preferred
  if (wanted !== undefined) throw new OperatorError(`port ${wanted} is taken: give another with ${option}`)
  return (await freePorts(1))[0]
}
