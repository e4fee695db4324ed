/** `millrace groups` as a person runs it: a process of its own on a data folder. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'

const TOPIC = 'test.in.v1'
const main = join(import.meta.dirname, '../../main.ts')

async function millrace(dataDir: string, ...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, MILLRACE_DATA_DIR: dataDir } })
  let out = ''
  let error = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (error += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, out, error }
}

/** A data folder whose log has ten records, of which `count` has read seven, with a state; and its open log. */
async function dataFolder(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-groups-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const log = await createEmbeddedLog({ directory: join(dataDir, 'log') })
  await log.createTopics([{ name: TOPIC, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
  for (let at = 0; at < 10; at++)
    await log.append([{ topic: TOPIC, partition: 0, value: Buffer.from('x'), timestamp: Date.now() }])
  const membership = await log.join('count', [TOPIC], { assigned() {}, revoked() {} })
  const position = { topic: TOPIC, partition: 0, offset: 7, reached: { 0: 6, 2: 40 }, log: log.id }
  await membership.commit([position])
  const states = createSqliteStateStore(join(dataDir, 'state.db'))
  await states.save('count', { position, bytes: Uint8Array.of(1), produces: 'test.out.v1' }, membership.generation)
  await states.close()
  return { dataDir, log }
}

describe('millrace groups', () => {
  it('lists them, while another process has the log and when none has', async (t) => {
    const { dataDir, log } = await dataFolder(t)
    const row = { group: 'count', topic: TOPIC, partition: 0, offset: 7, reached: '0:6 2:40', lag: 3 }
    const beside = await millrace(dataDir, 'groups', 'list', '--format', 'json')
    await log.close()
    const alone = await millrace(dataDir, 'groups', 'list', '--format', 'json')
    for (const { code, out, error } of [beside, alone]) {
      assert.equal(code, 0, error)
      assert.deepEqual(JSON.parse(out), row)
    }
  })

  it('resets one: position and state are forgotten, and it is said what that means', async (t) => {
    const { dataDir, log } = await dataFolder(t)
    await log.close()
    const { code, out, error } = await millrace(dataDir, 'groups', 'reset', 'count')
    assert.equal(code, 0, error)
    assert.match(out, /^count has forgotten where it stood, and its state \(1 partition\)\..* reads test\.in\.v1 again/)
    const reopened = await createEmbeddedLog({ directory: join(dataDir, 'log') })
    assert.deepEqual(await reopened.positions('count'), [])
    await reopened.close()
    const states = createSqliteStateStore(join(dataDir, 'state.db'))
    assert.equal(await states.load('count', TOPIC, 0), null)
    await states.close()
    const again = await millrace(dataDir, 'groups', 'reset', 'count')
    assert.deepEqual([again.code, again.error], [2, 'millrace: there is no group count\n'])
  })

  it('refuses to reset while millrace runs on the folder, and forgets nothing', async (t) => {
    const { dataDir, log } = await dataFolder(t)
    const { code, error } = await millrace(dataDir, 'groups', 'reset', 'count')
    assert.equal(code, 2)
    assert.match(error, /is in use by process \d+ .*: stop that one/)
    assert.equal((await log.positions('count')).length, 1)
    await log.close()
  })

  it('makes no log where there is none', async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-groups-'))
    t.after(() => rmSync(dataDir, { recursive: true }))
    for (const command of [['list'], ['reset', 'count']]) {
      const { code, error } = await millrace(dataDir, 'groups', ...command)
      assert.equal(code, 2)
      assert.match(error, /there is no log in|cannot be used/)
    }
    assert.equal(existsSync(join(dataDir, 'log')), false)
  })
})
