/** Replay, as a person at the terminal has it: what is stored is made anew from the raw topic, and SQL says the same. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { startServer, type TestServer } from './server.ts'
import { millrace } from './testing/command_line.ts'
import { COUNT, countOf, EVERYTHING, exportOf, ledgerOf, send } from './testing/orders.ts'

const LOGS = 500

describe('a replay from the beginning', () => {
  let dataDir: string
  let server: TestServer
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
    server = await startServer({ dataDir })
    for (let first = 0; first < LOGS; first += 50) await send(server, exportOf(first))
    // A retry: the window of exports must drop it again.
    await send(server, exportOf(0))
    await until(async () => (await server.query(COUNT))[0][0] === LOGS)
  })
  after(async () => {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  const run = (...args: string[]) => millrace(dataDir, ['replay', ...args])

  it('gives the same rows, ids included, after the lake was wiped', async () => {
    const answers = await server.query(EVERYTHING)
    assert.equal(answers.length, LOGS)
    await until(async () => (await ledgerOf(server)).in_flight === 0)
    const ledger = await ledgerOf(server)
    assert.equal(await server.stop(), 0)
    rmSync(join(dataDir, 'lake'), { recursive: true, force: true })
    server = await startServer({ dataDir })
    assert.deepEqual(await countOf(server), [0, 0])

    const started = await run('start', '--from', 'beginning')
    assert.equal(started.code, 0, started.stderr)
    assert.match(started.stdout, /generation 2 is being filled\n(.*\n)*generation 2 {2}caught up {2}/)
    const flipped = await run('flip')
    assert.equal(flipped.code, 0, flipped.stderr)
    assert.deepEqual(await server.query(EVERYTHING), answers)
    assert.deepEqual(await ledgerOf(server), ledger)
  })

  it('leaves the live one going, which goes on in the new generation, through a restart as well', async () => {
    await send(server, exportOf(LOGS))
    await until(async () => (await server.query(COUNT))[0][0] === LOGS + 50)
    assert.deepEqual(await countOf(server), [LOGS + 50, LOGS + 50])
    assert.equal(await server.stop(), 0)
    server = await startServer({ dataDir })
    assert.deepEqual(await countOf(server), [LOGS + 50, LOGS + 50])
    const { stdout } = await run('list')
    assert.match(stdout, /2 {2}live .*\n +1 {2}retired/)
  })

  it('is discarded without a trace', async () => {
    assert.equal((await run('start', '--from', 'beginning')).code, 0)
    assert.ok(readdirSync(join(dataDir, 'lake')).includes('g3'))
    assert.equal((await run('discard')).code, 0)
    assert.ok(!readdirSync(join(dataDir, 'lake')).includes('g3'))
    assert.deepEqual(await countOf(server), [LOGS + 50, LOGS + 50])
    assert.match((await run('flip', '3')).stderr, /there is no generation 3/)
    assert.match((await run('discard', '2')).stderr, /generation 2 is the live one/)
  })
})
