/** What a replay is for: a stage was changed, and what is stored is made anew with it; all of it, or from some time on. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { startServer, type TestServer } from './server.ts'
import { millrace } from './testing/command_line.ts'
import { countOf, EVERYTHING, exportOf, ledgerOf, send } from './testing/orders.ts'

const LOGS = 300
const CONFIG = `
import type { Topology } from 'millrace'
import { redactEmails } from '../pipeline/docs/guide/01_a_first_stage.test.ts'
export default (telemetry: Topology) => telemetry.insert(redactEmails, { after: 'normalize' })`

const BODIES = 'select name, body from otel_logs_and_spans order by id'

interface Listed {
  readonly items: readonly {
    readonly generation: number
    readonly comparison: {
      readonly days: readonly { readonly table: string; readonly day: string; readonly is_equal: boolean }[]
      readonly differences: readonly { readonly kind: string; readonly columns: readonly { readonly name: string }[] }[]
    } | null
  }[]
}

describe('a replay with a changed stage', () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../.guide-'))
  let dataDir: string
  let server: TestServer
  before(async () => {
    writeFileSync(join(folder, 'millrace.config.ts'), CONFIG)
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
    server = await startServer({ dataDir })
    for (let first = 0; first < LOGS; first += 50) await send(server, exportOf(first))
    await until(async () => (await ledgerOf(server)).in_flight === 0)
  })
  after(async () => {
    await server.stop()
    for (const made of [folder, dataDir]) rmSync(made, { recursive: true, force: true })
  })
  const run = (...args: string[]) => millrace(dataDir, ['replay', ...args])
  const listed = async () => (await (await server.get('/v1/replays')).json()) as Listed

  it('without a change is compared as the same, in lake and projections', async () => {
    assert.equal((await run('start', '--from', 'beginning')).code, 0)
    const { stdout, stderr } = await run('compare')
    assert.match(stdout, /^the same: \d+ rows in \d+ days and tables/, stderr)
    const { days } = (await listed()).items[0].comparison!
    assert.deepEqual([...new Set(days.map(({ table }) => table))].sort(), [
      ...['ledger', 'otel_logs_and_spans', 'service_hours', 'services', 'usage'],
    ])
    assert.equal(days.filter(({ table }) => table === 'otel_logs_and_spans').length, 3)
    assert.equal((await run('discard')).code, 0)
  })

  it('from some time on: what is before is carried over, row by row, and what is after is made anew', async () => {
    const [[first]] = await server.query('select id from otel_logs_and_spans order by id limit 1 offset 120')
    const offset = Number.parseInt(String(first).slice(24, 32), 16)
    await server.stop()
    server = await startServer({ dataDir, cwd: folder })
    const before = await server.query(BODIES)
    const started = await run('start', '--from', String(offset))
    assert.equal(started.code, 0, started.stderr)
    const compared = await run('compare')
    assert.match(compared.stdout, / {4}body: .*ann@example.com.* -> .*\[e-mail\]/, compared.stderr)
    assert.equal((await run('flip', '--keep', '0')).code, 0)
    const after = await server.query(BODIES)
    assert.deepEqual(
      after.map(([name]) => name),
      before.map(([name]) => name),
    )
    const redacted = after.map(([, body]) => String(body).includes('[e-mail]'))
    assert.ok(redacted.indexOf(true) > 0 && redacted.indexOf(true) <= 120, 'begins at the record that was named')
    assert.equal(redacted.lastIndexOf(false), redacted.indexOf(true) - 1)
    assert.match((await run('list')).stdout, /3 {2}live +g3 +g1 /, 'projections are sums, and stay')
  })

  it('whole, lists what differs, and says the new when it is flipped to', async () => {
    await send(server, exportOf(LOGS))
    await until(async () => (await countOf(server))[0] === LOGS + 50)
    assert.equal((await run('start', '--from', 'beginning')).code, 0)
    assert.match((await run('compare')).stdout, /of \d+ days and tables differ/)
    const { comparison } = (await listed()).items[0]
    assert.ok(comparison!.differences.every(({ kind }) => kind === 'changed'))
    const columns = new Set(comparison!.differences.flatMap((each) => each.columns.map(({ name }) => name)))
    assert.deepEqual([...columns].sort(), ['body', 'hashes'])
    const before = await server.query(EVERYTHING)
    assert.equal((await run('flip')).code, 0)
    const after = await server.query(EVERYTHING)
    assert.equal(after.length, before.length)
    assert.ok((await server.query(BODIES)).every(([, body]) => String(body).includes('[e-mail]')))
    assert.deepEqual(
      readdirSync(join(dataDir, 'lake'))
        .filter((name) => name.startsWith('g'))
        .sort(),
      ['g3', 'g4'],
    )
  })
})
