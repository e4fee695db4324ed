/** `npm run services`, as it is typed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { until } from '../until.ts'
import { servicesMissing } from './artifacts.ts'
import { freePorts, isFree } from './ports.ts'

const COMMAND = join(import.meta.dirname, 'services.ts')

interface Running {
  readonly child: ChildProcess
  /** What it printed until now, both streams. */
  readonly said: () => string
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

function services(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...env }, stdio: 'pipe' })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  return { child, said: () => text, ended: once(child, 'close').then(([code]) => code) }
}

/** Waits for the lines to set. @returns their values; fails where it ends before */
async function settingsOf({ child, said }: Running): Promise<{ log: string | undefined; registry: string }> {
  await until(() => said().includes('Ctrl-C stops them.') || child.exitCode !== null)
  const value = (name: string) => new RegExp(`^export ${name}=(.*)$`, 'm').exec(said())?.[1]
  const registry = value('MILLRACE_SCHEMA_REGISTRY_URL')
  assert.ok(registry !== undefined, said())
  return { log: value('MILLRACE_LOG'), registry }
}

const subjects = async (url: string) => (await fetch(`${url}/subjects`)).json()

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-services-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

describe('npm run services', { skip: servicesMissing() }, () => {
  async function topics(log: string): Promise<string[]> {
    const [, broker] = /^kafka:\/\/(.*)$/.exec(log)!
    const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const listed = await admin.listTopics()
    if (!listed.includes('mine')) await admin.createTopics({ topics: [{ topic: 'mine' }] })
    await admin.disconnect()
    return listed
  }
  const portsOf = (...urls: (string | undefined)[]) => urls.map((url) => Number(/:(\d+)/.exec(url!)![1]))

  it('starts both, says what to set, stops on Ctrl-C, and keeps their data for the next time on other ports', async () => {
    for (const expected of [
      { topics: [], subjects: [] },
      { topics: ['mine'], subjects: ['mine-value'] },
    ]) {
      const [kafkaPort, registryPort] = await freePorts(2)
      const ports = ['--kafka-port', String(kafkaPort), '--registry-port', String(registryPort)]
      const running = services(['--no-docker', '--folder', folder, ...ports])
      const { log, registry } = await settingsOf(running)
      assert.deepEqual(portsOf(log, registry), [kafkaPort, registryPort])
      assert.deepEqual(await topics(log!), expected.topics)
      assert.deepEqual(await subjects(registry), expected.subjects)
      const response = await fetch(`${registry}/subjects/mine-value/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: '"string"' }),
      })
      assert.equal(response.status, 200)
      running.child.kill('SIGINT')
      assert.equal(await running.ended, 0, running.said())
      assert.match(running.said(), /They are stopped/)
      for (const port of [kafkaPort, registryPort]) assert.ok(await isFree(port))
    }
  })

  it('ends, and ends the other, where one stops by itself', async () => {
    const own = join(folder, 'killed')
    const [kafkaPort, registryPort] = await freePorts(2)
    const ports = ['--kafka-port', String(kafkaPort), '--registry-port', String(registryPort)]
    const running = services(['--no-docker', '--folder', own, ...ports])
    await settingsOf(running)
    process.kill(pidIn(join(own, 'kafka')), 'SIGKILL')
    assert.equal(await running.ended, 1)
    assert.match(running.said(), /one of them stopped by itself/)
    assert.ok(await isFree(registryPort))
  })

  it('starts the registry alone', async () => {
    const own = join(folder, 'alone')
    const [port] = await freePorts(1)
    const running = services(['--no-docker', '--registry-only', '--folder', own, '--registry-port', String(port)])
    const { log, registry } = await settingsOf(running)
    assert.equal(log, undefined)
    assert.deepEqual(await subjects(registry), [])
    assert.ok(!existsSync(join(own, 'kafka')))
    running.child.kill('SIGTERM')
    assert.equal(await running.ended, 0)
  })

  it('takes a port nobody has where none is given, and says so where the given one is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const refused = services(['--no-docker', '--folder', folder, '--kafka-port', String(port)])
    assert.equal(await refused.ended, 1)
    assert.match(refused.said(), new RegExp(`port ${port} is taken: give another with --kafka-port`))
    other.close()
    const misread = services(['--kafka-port', 'ninety'])
    assert.equal(await misread.ended, 1)
    assert.match(misread.said(), /a port is 1 to 65535/)
  })
})

/**
 * Stands in for the command of Docker: takes down what it is asked, refuses Kafka, and in place of the registry's container
 * runs a server that answers on the published port until it is stopped.
 */
const DOCKER = `#!${process.execPath}
const { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { spawn } = require('node:child_process')
const args = process.argv.slice(2)
const pidFile = __filename + '.pid'
appendFileSync(__filename + '.asked', JSON.stringify(args) + '\\n')
if (args[0] === 'version' && process.env.NO_ENGINE) process.exit(1)
if (args[0] === 'run' && args.includes('apache/kafka:4.1.1')) {
  console.error('no space left on device')
  process.exit(125)
}
if (args[0] === 'run') {
  const [host, port] = args[args.indexOf('--publish') + 1].split(':')
  const code = \`require('node:http').createServer((_, answer) => answer.end('[]')).listen(\${port}, '\${host}')\`
  const child = spawn(process.execPath, ['-e', code], { detached: true, stdio: 'ignore' })
  child.unref()
  writeFileSync(pidFile, String(child.pid))
}
if (args[0] === 'wait') setInterval(() => existsSync(pidFile) || process.exit(), 20)
if (args[0] === 'stop') {
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
  rmSync(pidFile)
}
`

describe('npm run services where there is a Docker engine', () => {
  let path: string
  let asked: () => string[][]
  before(() => {
    const bin = mkdtempSync(join(folder, 'bin-'))
    const docker = join(bin, 'docker')
    writeFileSync(docker, DOCKER)
    chmodSync(docker, 0o755)
    path = `${bin}${delimiter}${process.env.PATH}`
    asked = () =>
      readFileSync(`${docker}.asked`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
  })

  it('starts a container that only this machine reaches, and takes it away', async () => {
    const [port] = await freePorts(1)
    const running = services(['--registry-only', '--registry-port', String(port)], { PATH: path })
    const { registry } = await settingsOf(running)
    assert.match(running.said(), /Docker's volumes/)
    assert.deepEqual(await subjects(registry), [])
    running.child.kill('SIGINT')
    assert.equal(await running.ended, 0)
    assert.ok(await isFree(port))
    const run = asked().find(([command]) => command === 'run')!
    assert.equal(run.at(-1), 'apicurio/apicurio-registry:3.0.9')
    assert.equal(run[run.indexOf('--publish') + 1], `127.0.0.1:${port}:8080`)
    assert.equal(run[run.indexOf('--volume') + 1], 'millrace-registry:/data')
    assert.deepEqual(asked().at(-1), ['rm', '--force', 'millrace-registry'])
  })

  it('says what Docker said where it cannot, and starts them with Java', { skip: servicesMissing() }, async () => {
    const [kafkaPort, registryPort] = await freePorts(2)
    const ports = ['--kafka-port', String(kafkaPort), '--registry-port', String(registryPort)]
    const running = services(['--folder', join(folder, 'java'), ...ports], { PATH: path })
    await settingsOf(running)
    assert.match(running.said(), /Docker did not: docker run: no space left on device\nstarting them with Java/)
    const run = asked().find((args) => args[0] === 'run' && args.at(-1) === 'apache/kafka:4.1.1')!
    assert.ok(run.includes(`KAFKA_ADVERTISED_LISTENERS=CLIENT://127.0.0.1:${kafkaPort},INTERNAL://127.0.0.1:19092`))
    running.child.kill('SIGINT')
    assert.equal(await running.ended, 0)
  })

  it('does not ask where the engine does not answer', { skip: servicesMissing() }, async () => {
    const [port] = await freePorts(1)
    const before = asked().length
    const args = ['--registry-only', '--folder', join(folder, 'none'), '--registry-port', String(port)]
    const running = services(args, { PATH: path, NO_ENGINE: 'yes' })
    await settingsOf(running)
    running.child.kill('SIGINT')
    assert.equal(await running.ended, 0)
    assert.deepEqual(
      asked()
        .slice(before)
        .map(([command]) => command),
      ['version'],
    )
  })
})

const pidIn = (path: string): number => Number(readFileSync(join(path, 'server.pid'), 'utf8'))
