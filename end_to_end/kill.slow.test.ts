/** `kill -9` at random under load: the ids in SQL are the ids acknowledged, none twice, and the ledger says the same. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { createDatabase } from '#pipeline/postgres/database.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

const KILLS = 20
const LOGS_PER_EXPORT = 50
const CONNECTIONS = 4

/** An export that is sent until it is acknowledged, the same bytes every time, as an SDK's retry does. */
async function exportUntilAcknowledged(body: Uint8Array, url: () => string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url()}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${TEST_KEY}` },
      body: body as Uint8Array<ArrayBuffer>,
    }).catch(() => null)
    if (response?.status === 200) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function exportOf(first: number): Uint8Array {
  const logRecords = Array.from({ length: LOGS_PER_EXPORT }, (_, at) => ({
    timeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
    eventName: `kill-${first + at}`,
    body: { stringValue: `event ${first + at}` },
  }))
  return encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

it(`survives ${KILLS} times kill -9 under load: every acknowledged event is in SQL, once`, {
  timeout: 300_000,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  let server: TestServer = await startServer({ dataDir })
  let next = 0
  let acknowledged = 0
  let sending = true
  const sender = async (): Promise<void> => {
    while (sending) {
      const first = next
      next += LOGS_PER_EXPORT
      await exportUntilAcknowledged(exportOf(first), () => server.otlpUrl)
      acknowledged += LOGS_PER_EXPORT
    }
  }
  const senders = Array.from({ length: CONNECTIONS }, sender)
  for (let kill = 0; kill < KILLS; kill++) {
    // Under load, after a random number of exports more.
    const wanted = acknowledged + LOGS_PER_EXPORT * (1 + Math.floor(Math.random() * 60))
    while (acknowledged < wanted) await new Promise((resolve) => setTimeout(resolve, 1))
    await server.stop('SIGKILL')
    server = await startServer({ dataDir })
  }
  sending = false
  await Promise.all(senders)
  const [[rows, distinct]] = await countUntil(server, acknowledged)
  assert.deepEqual([Number(rows), Number(distinct)], [acknowledged, acknowledged])
  assert.equal(await server.stop(), 0)

  // What SQL had from the log's tail must be in the lake just so.
  server = await startServer({ dataDir })
  const [[rowsAfter, distinctAfter]] = await countUntil(server, acknowledged)
  assert.deepEqual([Number(rowsAfter), Number(distinctAfter)], [acknowledged, acknowledged])
  assert.deepEqual(await ledgerUntil(dataDir, acknowledged), { stored: acknowledged, unaccounted: 0 })
  await server.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Asks the projections until they have them all; gives the last answer in any case. */
async function ledgerUntil(dataDir: string, wanted: number): Promise<unknown> {
  const host = join(dataDir, 'postgres/run')
  const database = createDatabase({ connection: { host, user: 'millrace', database: 'millrace' } })
  const deadline = performance.now() + 60_000
  try {
    for (;;) {
      const [row] = await database.query<{ stored: number; unaccounted: number }>(
        'select stored, unaccounted from ledger',
      )
      if (Number(row?.stored) >= wanted || performance.now() > deadline) return row
    }
  } finally {
    await database.close()
  }
}

/** Asks until all are there; gives the last answer in any case. */
async function countUntil(server: TestServer, wanted: number): Promise<unknown[][]> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const answer = await server.query(
      "select count(*), count(distinct name) from otel_logs_and_spans where name like 'kill-%'",
    )
    if (Number(answer[0][0]) >= wanted || performance.now() > deadline) return answer
  }
}
