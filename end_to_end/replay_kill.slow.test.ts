/** A replay while events come in and statements run, killed in the middle: nothing is lost, nothing comes twice. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { logsTemplate } from '../pipeline/bench/payload.ts'
import { childrenOf } from '../pipeline/bench/process_tree.ts'
import { startServer, type TestServer } from './server.ts'
import { millrace } from './testing/command_line.ts'
import { COUNT, countOf, exportOf, ledgerOf, send } from './testing/orders.ts'

const STORED = 200_000
const AN_EXPORT = 1_000

interface Listed {
  readonly state: string
  readonly progress: { readonly records: number } | null
}

async function replayOf(server: TestServer): Promise<Listed> {
  const { items } = (await (await server.get('/v1/replays')).json()) as { items: Listed[] }
  return items[0]
}

/** The process that replays. */
function workerOf(server: TestServer): number | undefined {
  return childrenOf(server.pid).find((pid) => commandOf(pid).includes('replay_child'))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It has ended since.
    return ''
  }
}

it('goes on after kill -9, of all and of its own process, beside live events and statements', {
  timeout: 300_000,
  skip: process.platform === 'linux' ? false : 'looks processes up in /proc',
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
  let server = await startServer({ dataDir })
  const template = logsTemplate(AN_EXPORT, 1)
  for (let sent = 0; sent < STORED; sent += AN_EXPORT) await send(server, Buffer.from(template.next()))
  await until(async () => (await countOf(server))[0] === STORED)
  assert.equal((await millrace(dataDir, ['replay', 'start', '--from', 'beginning', '--detach'])).code, 0)

  await until(async () => ((await replayOf(server)).progress?.records ?? 0) > 0)
  const worker = workerOf(server)
  assert.ok(worker !== undefined)
  process.kill(worker, 'SIGKILL')
  await until(async () => workerOf(server) !== undefined && workerOf(server) !== worker)
  assert.equal((await replayOf(server)).state, 'running')
  await server.stop('SIGKILL')

  server = await startServer({ dataDir })
  let acknowledged = STORED
  let isSending = true
  const sending = (async () => {
    while (isSending) {
      await send(server, exportOf(acknowledged))
      acknowledged += 50
    }
  })()
  await until(async () => (await replayOf(server)).state === 'caught_up')

  const asking = (async () => {
    for (let before = 0; isSending; ) {
      const [[rows, distinct]] = (await server.query(COUNT)) as [[number, number]]
      assert.ok(rows >= before, `${rows} rows where there were ${before}`)
      assert.equal(rows, distinct)
      before = rows
    }
  })()
  // Told of where it is waited for.
  asking.catch(() => {})
  const compared = await millrace(dataDir, ['replay', 'compare'])
  assert.match(compared.stdout, /^the same:/, compared.stderr)
  const flipped = await millrace(dataDir, ['replay', 'flip'])
  assert.equal(flipped.code, 0, flipped.stderr)
  const afterFlip = acknowledged
  await until(() => acknowledged > afterFlip + 500)
  isSending = false
  await Promise.all([sending, asking])

  await until(async () => Number((await countOf(server))[0]) >= acknowledged)
  assert.deepEqual(await countOf(server), [acknowledged, acknowledged])
  // What is in the log only is in the lake after a restart.
  assert.equal(await server.stop(), 0)
  server = await startServer({ dataDir })
  assert.deepEqual(await countOf(server), [acknowledged, acknowledged])
  await until(async () => (await ledgerOf(server)).in_flight === 0)
  const { stored, unaccounted } = (await ledgerOf(server)) as { stored?: number; unaccounted?: number }
  assert.deepEqual([stored, unaccounted], [acknowledged, 0])
  await server.stop()
  rmSync(dataDir, { recursive: true, force: true })
})
