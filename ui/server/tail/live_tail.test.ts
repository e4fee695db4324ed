import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { QueryRequest } from '#schemas/query.ts'
import type { Caller } from '../api/caller.ts'
import {
  createTailServer,
  logsOf,
  OTHER_PROJECT,
  PROJECT,
  type TailClient,
  type TailServer,
} from './testing/tail_server.ts'

const user: Caller = {
  ...{ kind: 'user', id: 'u', name: 'viewer@example.com', role: 'viewer', operator: false },
  ...{ projectId: PROJECT, projectName: 'default' },
}

const isLive = (client: TailClient) => client.frames.some((frame) => frame.live)
async function live(server: TailServer, ...given: Parameters<TailServer['connect']>): Promise<TailClient> {
  const client = server.connect(...given)
  await client.until(() => isLive(client))
  return client
}
const names = (from: number, count: number) => Array.from({ length: count }, (_, at) => `n${from + at}`)

describe('a live tail', () => {
  it('gives what comes from now on, of its project, where the filter passes', async () => {
    await using server = await createTailServer()
    await server.append(logsOf(0, ['before']))
    const client = await live(server, { filter: "name like 'n%'" })
    await server.append(logsOf(1, ['n1', 'x']), logsOf(2, ['n2'], { projectId: OTHER_PROJECT }), logsOf(3, ['n3']))
    await client.until(() => client.rows.length === 2)
    assert.deepEqual(client.rows[0], {
      id: '019b76da-a800-8ab0-8000-000000010000',
      timestamp: '2026-01-01T00:00:00.001000Z',
      name: 'n1',
    })
    assert.deepEqual(client.names, ['n1', 'n3'])
    assert.equal(client.skipped, 0)
    await client.close()
  })

  it('takes a repeated record for what it is', async () => {
    await using server = await createTailServer()
    const client = await live(server)
    await server.append(logsOf(0, ['a']), logsOf(1, ['b']), logsOf(0, ['a']), logsOf(1, ['b']), logsOf(2, ['c']))
    await client.until(() => client.names.includes('c'))
    assert.deepEqual(client.names, ['a', 'b', 'c'])
  })

  it('begins with what is stored and goes on from where that answer stands', async () => {
    const asked: QueryRequest[] = []
    await using server = await createTailServer({
      queries: {
        async query(request) {
          asked.push(request)
          // The answer knows three records; more have come by the time it is here.
          const asOf = [
            { topic: 'telemetry.events.v1', partition: 0, offset: 3, reached: { 0: 1 }, log: server.log.id },
          ]
          await server.append(logsOf(2, ['c']), logsOf(3, ['d']))
          async function* pages() {
            yield [['b'], ['a']]
            return { truncated: false }
          }
          return { columns: [{ name: 'name', type: 'text' }], asOf, pages: pages() }
        },
      },
    })
    await server.append(logsOf(0, ['a']), logsOf(1, ['b']), logsOf(0, ['a']), logsOf(1, ['b']))
    const client = await live(server, { from: '2026-01-01', columns: 'name', filter: "name < 'x'" })
    // A stage started again repeats what the viewer has had and the feed, which began later, has not.
    await server.append(logsOf(2, ['c']), logsOf(3, ['d']), logsOf(4, ['e']))
    await client.until(() => client.names.includes('e'))
    assert.deepEqual(client.names, ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(client.frames[0].rows, [{ name: 'a' }, { name: 'b' }])
    assert.equal(client.frames[0].history, true)
    assert.equal(
      asked[0].sql,
      `SELECT "name" FROM otel_logs_and_spans WHERE timestamp >= '2026-01-01T00:00:00.000000Z' AND ("name" < 'x') ORDER BY timestamp DESC LIMIT 1000`,
    )
  })

  it('goes on after a lost connection from the last position, nothing lost or twice, over partitions', async () => {
    await using server = await createTailServer({ partitions: 2 })
    const seen: unknown[] = []
    let position: string | undefined
    for (let turn = 0; turn < 6; turn++) {
      const client = await live(server, position === undefined ? {} : { resume: position })
      await server.append(logsOf(turn * 2, [`p0-${turn}`]), logsOf(turn, [`p1-${turn}`], { partition: 1 }))
      await client.until(() => client.rows.length > 0)
      seen.push(...client.names)
      position = client.position
      client.socket.terminate()
      await client.ended
      await server.append(logsOf(turn * 2 + 1, [`p0-${turn}b`]))
    }
    const last = await live(server, { resume: position! })
    seen.push(...last.names)
    const expected = Array.from({ length: 6 }, (_, turn) => [`p0-${turn}`, `p0-${turn}b`, `p1-${turn}`]).flat()
    assert.deepEqual([...seen].sort(), expected.sort())
  })

  it('says so where the log does not hold the position any more', async () => {
    await using server = await createTailServer()
    await server.append(logsOf(0, ['a']), logsOf(1, ['b']))
    const { id } = server.log
    await server.log.trim('telemetry.events.v1', 0, 2)
    for (const resume of [`${id}/0.1.0:0`, `${id}/0.3.0:0`, `${id.replace('ab', 'cd')}/0.2.`, `${id}/0.2./1.0.`]) {
      const client = server.connect({ resume })
      assert.equal((await client.ended).code, 1008, resume)
      assert.equal(client.frames[0].error?.code, 'resume_gone', resume)
    }
    await live(server, { resume: `${id}/0.2.0:1` })
  })

  it('leaves rows out for one who does not read, says how many, and others get all', async () => {
    await using server = await createTailServer({ bufferRows: 50, sendPerSecond: 1 << 30 })
    const slow = await live(server)
    const quick = await live(server)
    slow.socket.pause()
    const total = 400
    const body = 'x'.repeat(20_000)
    for (let offset = 0; offset < total; offset += 20) {
      const batches = Array.from({ length: 20 }, (_, at) => logsOf(offset + at, [`${offset + at} ${body}`, 'z']))
      await server.append(...batches)
      await quick.until(() => quick.rows.length === (offset + 20) * 2)
    }
    slow.socket.resume()
    await slow.until(() => slow.rows.length + slow.skipped === total * 2)
    assert.equal(quick.skipped, 0)
    assert.ok(slow.skipped > 0)
    // What is told as left out is left out at just that place.
    let expected = 0
    for (const frame of slow.frames) {
      expected += frame.skipped ?? 0
      for (const row of frame.rows ?? []) {
        const wanted = expected % 2 === 1 ? 'z' : `${Math.floor(expected / 2)} ${body}`
        assert.equal(row.name, wanted)
        expected++
      }
    }
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    assert.match(metrics, new RegExp(`millrace_tail_rows_skipped_total ${slow.skipped}\n`))
  })

  it('sends no more than the share of a viewer', async () => {
    await using server = await createTailServer({ sendPerSecond: 2_000, bufferRows: 10 })
    const client = await live(server)
    await server.append(logsOf(0, names(0, 100)))
    for (let offset = 1; offset < 20; offset++) await server.append(logsOf(offset, names(offset * 100, 100)))
    await client.until(() => client.rows.length > 0 && client.rows.length + client.skipped === 2000)
    assert.ok(client.rows.length < 200, `${client.rows.length}`)
  })

  it('is for so many viewers and no more', async () => {
    await using server = await createTailServer({ maxViewers: 2 })
    const first = await live(server)
    await live(server)
    const third = await server.connect().ended
    assert.equal(third.code, 503)
    assert.match(third.reason, /2 tails are open already/)
    await first.close()
    await live(server)
  })

  it('ends with one who gives no sign of life', async () => {
    await using server = await createTailServer({ heartbeatMs: 20 })
    const dead = await live(server, {}, { autoPong: false })
    const alive = await live(server)
    await dead.ended
    const frames = alive.frames.length
    await alive.until(() => alive.frames.length > frames + 3)
    assert.equal(alive.socket.readyState, alive.socket.OPEN)
  })

  it('reads the log only while somebody watches, and from its end', async () => {
    await using server = await createTailServer()
    const reads: number[] = []
    const { read } = server.log
    server.log.read = (topic, partition, offset, options) => {
      reads.push(offset)
      return read.call(server.log, topic, partition, offset, options)
    }
    await server.append(logsOf(0, ['a']))
    const client = await live(server)
    await server.append(logsOf(1, ['b']))
    await client.until(() => client.rows.length === 1)
    await client.close()
    await server.append(logsOf(2, ['c']))
    const again = await live(server)
    await server.append(logsOf(3, ['d']))
    await again.until(() => again.rows.length === 1)
    assert.deepEqual(again.names, ['d'])
    assert.ok(!reads.includes(0), `${reads}`)
  })

  it('breaks off, and can be asked for again, where the log cannot be read', async () => {
    await using server = await createTailServer()
    const client = await live(server)
    await server.append(logsOf(0, ['a']), logsOf(2, ['c']))
    assert.equal((await client.ended).code, 1011)
    assert.match(client.frames.at(-1)!.error!.message, /records are missing in between/)
    await live(server)
  })
})

describe('a tail wants a key that may read', () => {
  for (const [what, options, status] of [
    ['none', { key: null }, 401],
    ['an unknown one', { key: 'wrong' }, 401],
    ['one that may only send', { key: 'sender' }, 403],
    ['a page of another site', { headers: { origin: 'https://evil.example' } }, 403],
    ['another host name', { headers: { host: 'evil.example' } }, 403],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await using server = await createTailServer()
      const { code, reason } = await server.connect({}, options).ended
      assert.equal(code, status)
      assert.equal(typeof JSON.parse(reason).detail, 'string')
    })
  }

  it('as a header, a subprotocol, or a session', async () => {
    await using server = await createTailServer()
    server.sessions.set('viewer', user)
    await live(server, {}, { headers: { 'x-api-key': 'reader' }, key: null })
    const browser = await live(server, {}, { key: null, protocols: ['millrace.tail.v1', 'bearer.reader'] })
    assert.equal(browser.socket.protocol, 'millrace.tail.v1')
    await live(server, {}, { key: null, headers: { cookie: 'viewer' } })
  })

  it('of the project that is asked about', async () => {
    await using server = await createTailServer()
    await live(server, { project: 'default' })
    assert.equal((await server.connect({ project: OTHER_PROJECT }).ended).code, 404)
  })

  it('asked for at a path that is none', async () => {
    await using server = await createTailServer()
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    const head = ['GET // HTTP/1.1', `host: ${hostname}:${port}`, 'connection: upgrade', 'upgrade: websocket']
    socket.end(`${head.join('\r\n')}\r\n\r\n`)
    assert.match(String(await text(socket)), /^HTTP\/1.1 400 /)
  })

  it('that is not revoked meanwhile', async () => {
    await using server = await createTailServer()
    const client = await live(server)
    server.keys.delete('reader')
    assert.deepEqual(await client.ended, { code: 1008, reason: '28000' })
  })

  it('of a user who still is a member of the project', async () => {
    await using server = await createTailServer()
    server.sessions.set('viewer', user)
    const client = await live(server, {}, { key: null, headers: { cookie: 'viewer' } })
    server.sessions.set('viewer', { ...user, role: null })
    assert.deepEqual(await client.ended, { code: 1008, reason: '28000' })
  })
})

describe('a tail that cannot be answered says why and ends', () => {
  for (const [parameters, error] of [
    [
      { filter: 'level = 5' },
      {
        code: '42601',
        message: "filter: level is text: expected text in single quotes, like 'ERROR', not 5, at 9",
        position: 9,
      },
    ],
    [
      { from: 'yesterday' },
      { code: '22023', message: "from: expected something like -15m (s, m, h, d) or '2026-11-22T10:00:00Z'" },
    ],
    [
      { since: '1' },
      {
        code: '22023',
        message: 'there is no parameter since: there are filter, from, resume, columns, table, project',
      },
    ],
    [{ columns: 'name,severity' }, { code: '22023', message: 'columns: severity is put together in SQL only' }],
    [{ columns: 'colour' }, { code: '22023', message: 'columns: colour is not in otel_logs_and_spans' }],
    [{ table: 'users' }, { code: '22023', message: 'there is no table users' }],
    [{ resume: 'x/y' }, { code: '22023', message: 'resume is not the position of a frame' }],
  ] as const) {
    it(JSON.stringify(parameters), async () => {
      await using server = await createTailServer()
      const client = server.connect(parameters)
      assert.equal((await client.ended).code, 1008)
      assert.deepEqual(client.frames, [{ error }])
    })
  }

  it('there is nothing else to connect to', async () => {
    await using server = await createTailServer()
    const client = server.connect()
    client.socket.terminate()
    const other = await fetch(`${server.url}/v1/tail`, { headers: { authorization: 'Bearer reader' } })
    assert.equal(other.status, 404)
  })
})
