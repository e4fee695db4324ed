/** The same two services as containers, for machines that have a Docker engine. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { OperatorError } from '../../errors/errors.ts'
import { brokerSettings, HOST } from './broker_settings.ts'
import { kafkaAnswers } from './kafka.ts'
import { registryAnswers, registryUrl } from './registry.ts'

const run = promisify(execFile)
const KAFKA_IMAGE = 'apache/kafka:4.1.1'
const REGISTRY_IMAGE = 'apicurio/apicurio-registry:3.0.9'
const ENGINE_TIMEOUT_MS = 5_000
const START_TIMEOUT_MS = 120_000
const POLL_MS = 200

export interface Container {
  /** Resolves when it ended, with its name. */
  readonly ended: Promise<string>
  /** Ends it; its data stays in a volume of its name. */
  close(): Promise<void>
}

/** Whether there is a Docker engine, not only the command: within five seconds. */
export async function engineAnswers(): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: ENGINE_TIMEOUT_MS })
    return true
  } catch {
    return false
  }
}

/** @param port of this machine, that clients connect to @throws OperatorError with what Docker said */
export function startKafkaContainer(port: number): Promise<Container> {
  // Inside of the container, where the clients' port is the one that is taken.
  const [internal, controller] = [19_092, 19_093, 19_094].filter((other) => other !== port)
  const ports = { client: port, internal, controller }
  const settings = {
    ...brokerSettings({ ports, bind: '0.0.0.0', advertisedPort: port }),
    'log.dirs': '/var/lib/kafka/data',
  }
  // How the image takes settings: docker/examples/README.md of Apache Kafka.
  const environment = Object.entries(settings).map(([name, value]) => [
    `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
    value,
  ])
  return start({
    name: 'millrace-kafka',
    image: KAFKA_IMAGE,
    publish: `${HOST}:${port}:${port}`,
    volume: '/var/lib/kafka/data',
    environment: Object.fromEntries(environment),
    answers: () => kafkaAnswers(`${HOST}:${port}`),
  })
}

/** @param port of this machine @throws OperatorError with what Docker said */
export function startRegistryContainer(port: number): Promise<Container> {
  return start({
    name: 'millrace-registry',
    image: REGISTRY_IMAGE,
    publish: `${HOST}:${port}:8080`,
    volume: '/data',
    // The volume belongs to root, and the image has no folder for data whose owner it would take over.
    user: '0',
    environment: {
      APICURIO_STORAGE_SQL_KIND: 'h2',
      APICURIO_DATASOURCE_URL: 'jdbc:h2:file:/data/registry;WRITE_DELAY=0',
    },
    answers: () => registryAnswers(registryUrl(port)),
  })
}

interface ContainerOptions {
  readonly name: string
  readonly image: string
  readonly publish: string
  readonly volume: string
  readonly user?: string
  readonly environment: Readonly<Record<string, string>>
  readonly answers: () => Promise<void>
}

async function start(options: ContainerOptions): Promise<Container> {
  const { name, image, publish, volume, user, environment, answers } = options
  const isHere = await docker('image', 'inspect', image).then(
    () => true,
    () => false,
  )
  if (!isHere) await pull(image)
  // One of a run that was killed: its data is in the volume.
  await docker('rm', '--force', name)
  const variables = Object.entries(environment).flatMap(([variable, value]) => ['--env', `${variable}=${value}`])
  const own = user === undefined ? [] : ['--user', user]
  await docker(
    'run',
    '--detach',
    '--name',
    name,
    '--publish',
    publish,
    '--volume',
    `${name}:${volume}`,
    ...own,
    ...variables,
    image,
  )
  let running = true
  const ended = docker('wait', name)
    .catch(() => undefined)
    .then(() => {
      running = false
      return `the container ${name} ended`
    })
  const close = async (): Promise<void> => {
    await docker('stop', name).catch(() => undefined)
    await docker('rm', '--force', name)
  }
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const ready = await answers().then(
      () => true,
      () => false,
    )
    if (ready && running) return { ended, close }
    if (!running || performance.now() > deadline) {
      const { stdout, stderr } = await run('docker', ['logs', '--tail', '10', name]).catch(() => ({
        stdout: '',
        stderr: '',
      }))
      await close()
      throw new OperatorError(`${image} did not start: ${stdout}${stderr}`)
    }
    await delay(POLL_MS)
  }
}

/** Shows Docker's own progress. */
async function pull(image: string): Promise<void> {
  const child = spawn('docker', ['pull', image], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new OperatorError(`docker pull ${image} ended with ${code}`)
}

async function docker(...args: string[]): Promise<string> {
  try {
    return (await run('docker', args)).stdout
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string }
    throw new OperatorError(`docker ${args[0]}: ${stderr?.trim() || message}`, { cause })
  }
}
