/** What was put aside, and treated again after its stage was mended, is there once: live, and after a replay. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { startServer, type TestServer } from './server.ts'
import { millrace } from './testing/command_line.ts'
import { countOf, EVERYTHING, exportOf, ledgerOf, send } from './testing/orders.ts'

const CONFIG = `
import { deadLetter, defineTransform, keep, mapEvents, type Topology } from 'millrace'
const judge = defineTransform({
  name: 'judge',
  build: () => mapEvents((event) => (String(event.get('name')).endsWith('7') ? deadLetter('seven') : keep())),
})
export default (telemetry: Topology) => telemetry.insert(judge, { after: 'normalize' })`
const MENDED = CONFIG.replace("endsWith('7')", "endsWith('no')")

it('of a mended stage: no row comes twice, and the ledger says the same', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../.guide-'))
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
  const run = async (...args: string[]) => {
    const ended = await millrace(dataDir, args)
    assert.equal(ended.code, 0, ended.stderr)
    return ended.stdout
  }
  let server!: TestServer
  try {
    writeFileSync(join(folder, 'millrace.config.ts'), CONFIG)
    server = await startServer({ dataDir, cwd: folder })
    await send(server, exportOf(0))
    await until(async () => (await ledgerOf(server)).in_flight === 0)
    assert.deepEqual(await countOf(server), [45, 45])
    await server.stop()

    writeFileSync(join(folder, 'millrace.config.ts'), MENDED)
    server = await startServer({ dataDir, cwd: folder })
    await until(async () => / 5 {2}judge {2}seven /.test(await run('dlq', 'list')))
    assert.match(await run('dlq', 'requeue', '--all'), /^5 events are requeued/)
    await until(async () => Number((await countOf(server))[0]) >= 50)
    await until(async () => (await ledgerOf(server)).in_flight === 0)
    const rows = await server.query(EVERYTHING)
    const sums = async () => {
      const { stored, dead_lettered, unaccounted } = (await ledgerOf(server)) as unknown as Record<string, number>
      return { stored, dead_lettered, unaccounted }
    }
    // A requeued event is in no raw record that it could be in flight of.
    await until(async () => (await sums()).stored === 50)
    const ledger = await sums()
    assert.deepEqual(ledger, { stored: 50, dead_lettered: 0, unaccounted: 0 })
    assert.equal(rows.length, 50)

    await run('replay', 'start', '--from', 'beginning')
    // What was put aside and taken back, 5 - 5, never was: nothing else differs.
    const compared = await run('replay', 'compare')
    assert.match(
      compared,
      /^1 of \d+ days and tables differ:\n {2}ledger .*\n {2}ledger .* dead_letter:seven {2}missing\n$/,
    )
    await run('replay', 'flip')
    assert.deepEqual(await server.query(EVERYTHING), rows)
    await until(async () => (await ledgerOf(server)).in_flight === 0)
    assert.deepEqual(await sums(), ledger)
  } finally {
    await server?.stop()
    for (const made of [folder, dataDir]) rmSync(made, { recursive: true, force: true })
  }
})
