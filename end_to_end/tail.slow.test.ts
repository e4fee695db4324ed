/** The live tail of a running millrace, under load: history and live meet without a gap, nothing twice. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

const LOGS_PER_EXPORT = 50

describe('the live tail of a server under load', () => {
  let server: TestServer
  const acknowledged: string[] = []
  let sending = true
  let senders: Promise<void>[] = []
  let next = 0

  before(async () => {
    server = await startServer({ env: { MILLRACE_PARTITIONS: '2' } })
    senders = [sender(), sender()]
  })
  after(() => server.stop())

  async function sender(): Promise<void> {
    while (sending) {
      const names = Array.from({ length: LOGS_PER_EXPORT }, () => `tail-${next++}`)
      const logRecords = names.map((eventName) => ({
        timeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
        eventName,
      }))
      const body = encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }) as Uint8Array<ArrayBuffer>
      const headers = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${TEST_KEY}` }
      const response = await fetch(`${server.otlpUrl}/v1/logs`, { method: 'POST', headers, body })
      if (response.ok) acknowledged.push(...names)
    }
  }

  /** Takes rows until `enough`, then drops the connection. @returns the names, and where the last frame stood */
  function take(parameters: Record<string, string>, enough: (names: readonly string[]) => boolean) {
    const url = `${server.httpUrl.replace('http', 'ws')}/v1/tail?${new URLSearchParams(parameters)}`
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${TEST_KEY}` } })
    const names: string[] = []
    return new Promise<{ names: string[]; position: string; skipped: number }>((resolve, reject) => {
      let skipped = 0
      socket.on('error', reject)
      socket.on('message', (data) => {
        const frame = JSON.parse(data.toString())
        if (frame.error !== undefined) return reject(new Error(frame.error.message))
        names.push(...frame.rows.map((row: { name: string }) => row.name))
        skipped += frame.skipped
        if (!enough(names)) return
        socket.removeAllListeners('message')
        socket.terminate()
        resolve({ names, position: frame.position, skipped })
      })
    })
  }

  it('every event acknowledged is in history or live, once, whenever one begins and however often one comes back', async () => {
    const tails = Array.from({ length: 4 }, async (_, digit) => {
      // A tenth of the events each, so that history holds all there were before.
      const view = { columns: 'name', filter: `name LIKE '%${digit}'` }
      while (next < digit * 1_500) await new Promise((resolve) => setImmediate(resolve))
      const target = next + 12_000
      let { names, position, skipped } = await take({ ...view, from: '-1h' }, () => true)
      assert.ok(names.length < 1_000, 'history was cut')
      while (next < target) {
        const wanted = 50 + Math.floor(Math.random() * 150)
        const more = await take({ ...view, resume: position }, (all) => all.length >= wanted)
        names.push(...more.names)
        position = more.position
        skipped += more.skipped
      }
      return { view, names, position, skipped }
    })
    const results = await Promise.all(tails)
    sending = false
    await Promise.all(senders)
    for (const [digit, { view, names, position, skipped }] of results.entries()) {
      assert.equal(skipped, 0)
      const wanted = acknowledged.filter((name) => name.endsWith(String(digit)))
      const rest = wanted.length - names.length
      if (rest > 0) names.push(...(await take({ ...view, resume: position }, (all) => all.length >= rest)).names)
      assert.deepEqual(names.sort(), wanted.sort())
    }
  })
})
