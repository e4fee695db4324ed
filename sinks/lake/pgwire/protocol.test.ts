/** The messages themselves: the extended protocol, cancelling, what happens at the bounds. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StatementService } from '#schemas/query.ts'
import type { PgwireLimits } from './limits.ts'
import { KEY } from './testing/directory.ts'
import { EVENTS, startTestServer, type TestServer } from './testing/server.ts'
import { cstring, errorFields, int32, WireClient } from './testing/wire_client.ts'

const ENDLESS = 'SELECT count(*) FROM range(100000000000) a'
const NAMES = 'SELECT name FROM otel_logs_and_spans ORDER BY timestamp'

describe('the protocol', () => {
  let test: TestServer
  before(async () => {
    test = await startTestServer()
  })
  after(async () => {
    await test.close()
    assert.deepEqual(test.errors, [])
  })
  const session = async (use: (client: WireClient) => Promise<void>, port = test.port) => {
    const client = await WireClient.open(port, 'default', KEY)
    try {
      await use(client)
    } finally {
      client.close()
    }
  }
  const limited = async (limits: Partial<PgwireLimits>, use: (port: number) => Promise<void>) => {
    const server = await test.open({ limits })
    try {
      await use(server.port)
    } finally {
      await server.close()
    }
  }

  it('answers Parse, Bind, Describe, Execute, Sync in order', () =>
    session(async (client) => {
      client.parse('SELECT $1::int8 + 1 AS n, $2 AS t')
      client.send('D', cstring('S'))
      client.bind({ values: ['41', 'x'] })
      client.send('D', cstring('P'))
      client.execute()
      client.sync()
      const { letters, rows } = await client.untilReady()
      assert.equal(letters, '1tT2TDCZ')
      assert.deepEqual(rows, [['42', 'x']])
    }))

  it('tells types of parameters and columns before there are values', () =>
    session(async (client) => {
      client.parse('SELECT timestamp FROM otel_metrics WHERE timestamp > $1 AND id = $2', 's')
      client.send('D', cstring('Ss'))
      client.send('H')
      await client.expect('1')
      const { body } = await client.expect('t')
      assert.deepEqual([body.readInt16BE(), body.readInt32BE(2), body.readInt32BE(6)], [2, 1184, 25])
      assert.equal((await client.expect('T')).body.subarray(2, 11).toString(), 'timestamp')
      client.sync()
      assert.equal((await client.untilReady()).letters, 'Z')
    }))

  it('tells a parameter’s type back as the client named it', () =>
    session(async (client) => {
      // varchar is text to us; PostgreSQL says varchar, and JDBC refuses another answer.
      client.parse('SELECT 1 FROM otel_metrics WHERE id = $1 AND timestamp > $2', 's', [1043, 0])
      client.send('D', cstring('Ss'))
      client.send('H')
      await client.expect('1')
      const { body } = await client.expect('t')
      assert.deepEqual([body.readInt32BE(2), body.readInt32BE(6)], [1043, 1184])
      client.sync()
    }))

  it('gives a portal row by row, as many as are asked for', () =>
    session(async (client) => {
      client.parse(NAMES)
      client.bind({ portal: 'p' })
      for (const count of [1, 2, 1000]) client.execute('p', count)
      client.execute('p')
      client.execute('p')
      client.sync()
      const { letters, rows } = await client.untilReady()
      assert.equal(letters, `12DsDDs${'D'.repeat(1000)}s${'D'.repeat(EVENTS - 1003)}CCZ`)
      assert.deepEqual(
        rows.map(([name]) => name),
        Array.from({ length: EVENTS }, (_, at) => `n${at}`),
      )
    }))

  it('keeps portals within a transaction, and closes them after it', () =>
    session(async (client) => {
      const next = async () => {
        client.execute('p', 1)
        client.sync()
        return await client.untilReady()
      }
      client.query('BEGIN')
      await client.untilReady()
      client.parse(NAMES)
      client.bind({ portal: 'p' })
      assert.deepEqual((await next()).rows, [['n0']])
      assert.deepEqual((await next()).rows, [['n1']])
      client.send('C', cstring('Pp'))
      assert.equal((await next()).errors[0].C, '34000')
      client.query('ROLLBACK')
      await client.untilReady()
      client.bind({ portal: 'p' })
      client.sync()
      await client.untilReady()
      assert.equal((await next()).errors[0].C, '34000')
    }))

  it('describes a cursor as a portal', () =>
    session(async (client) => {
      client.query('BEGIN; DECLARE c CURSOR FOR SELECT 1 AS one')
      await client.untilReady()
      client.send('D', cstring('Pc'))
      client.parse('FETCH 1 FROM c')
      client.send('D', cstring('S'))
      client.bind()
      client.execute()
      client.sync()
      assert.equal((await client.untilReady()).letters, 'T1tT2DCZ')
    }))

  it('does nothing after an error until Sync', () =>
    session(async (client) => {
      client.parse('SELECT nope()')
      client.bind()
      client.execute()
      client.sync()
      const failed = await client.untilReady()
      assert.equal(failed.letters, 'EZ')
      assert.equal(failed.errors[0].C, '42883')
      client.parse('')
      client.bind()
      client.send('D', cstring('P'))
      client.execute()
      client.sync()
      assert.equal((await client.untilReady()).letters, '12nIZ')
    }))

  it('says what is missing or there already', () =>
    session(async (client) => {
      const code = async (send: () => void) => {
        send()
        client.sync()
        return (await client.untilReady()).errors[0]?.C
      }
      assert.equal(await code(() => client.bind({ statement: 'none' })), '26000')
      assert.equal(await code(() => client.execute('none')), '34000')
      assert.equal(await code(() => client.send('D', cstring('Snone'))), '26000')
      assert.equal(await code(() => client.send('C', cstring('Snone'))), undefined)
      assert.equal(await code(() => client.parse('SELECT 1', 's')), undefined)
      assert.equal(await code(() => client.parse('SELECT 2', 's')), '42P05')
      assert.equal(await code(() => client.parse('SELECT 1; SELECT 2')), '42601')
      assert.equal(await code(() => client.bind({ statement: 's', values: ['x'] })), '08P01')
      assert.equal(await code(() => client.bind({ statement: 's', formats: [1, 1] })), '08P01')
      client.query('DEALLOCATE s')
      assert.equal((await client.untilReady()).letters, 'CZ')
      assert.equal(await code(() => client.bind({ statement: 's' })), '26000')
    }))

  it('gives binary values column by column', () =>
    session(async (client) => {
      client.parse("SELECT 7::int, 'x', 1::int")
      client.bind({ formats: [1, 0, 0] })
      client.execute()
      client.sync()
      assert.deepEqual((await client.untilReady()).rows, [['\0\0\0\x07', 'x', '1']])
      client.parse("SELECT interval '1 day'")
      client.bind({ formats: [1] })
      client.sync()
      assert.equal((await client.untilReady()).errors[0].C, '0A000')
    }))

  it('interrupts a statement for who knows its secret, and for nobody else', () =>
    session(async (client) => {
      client.query(ENDLESS)
      const request = async (id: number, secret: Buffer) => {
        const other = await WireClient.connect(test.port)
        other.write(Buffer.concat([int32(16), int32(80_877_102), int32(id), secret]))
        assert.equal(await other.untilClosed(), null)
      }
      await request(client.key.id, Buffer.alloc(4))
      await request(client.key.id + 1, client.key.secret)
      await request(client.key.id, client.key.secret)
      const { errors } = await client.untilReady()
      assert.deepEqual([errors[0].C, errors[0].M], ['57014', 'the statement was cancelled'])
      client.query('SELECT 1')
      assert.deepEqual((await client.untilReady()).rows, [['1']])
    }))

  it('interrupts the statement of a client that has gone', async () => {
    let asked = (_: AbortSignal) => {}
    const signal = new Promise<AbortSignal>((resolve) => {
      asked = resolve
    })
    const queries: StatementService = {
      ...test.queries,
      query(request) {
        asked(request.signal!)
        return test.queries.query(request)
      },
    }
    const server = await test.open({ queries })
    const client = await WireClient.open(server.port, 'default', KEY)
    client.query(ENDLESS)
    const given = await signal
    const aborted = new Promise((resolve) => given.addEventListener('abort', resolve))
    client.close()
    await aborted
    await server.close()
  })

  it('asks for nobody more rows than the client takes, and serves the others meanwhile', () =>
    session(async (stuck) => {
      stuck.socket.pause()
      stuck.query('SELECT a.name, b.name, a.body FROM otel_logs_and_spans a, otel_logs_and_spans b')
      for (let round = 0; round < 3; round++) {
        await session(async (client) => {
          client.query(NAMES)
          assert.equal((await client.untilReady()).rows.length, EVENTS)
        })
      }
    }))

  it('refuses an answer over the bound instead of cutting it', () =>
    limited({ maxRows: EVENTS - 1 }, (port) =>
      session(async (client) => {
        client.query(NAMES)
        const { letters, errors } = await client.untilReady()
        assert.equal(errors[0].C, '54000')
        assert.ok(!letters.includes('C'))
        client.query(`${NAMES} LIMIT ${EVENTS - 1}`)
        assert.equal((await client.untilReady()).rows.length, EVENTS - 1)
      }, port),
    ))

  it('has a bound for connections: the next is told, and let in once another goes', () =>
    limited({ maxConnections: 2 }, async (port) => {
      const first = await WireClient.open(port, 'default', KEY)
      const second = await WireClient.open(port, 'default', KEY)
      await assert.rejects(WireClient.open(port, 'default', KEY), /too many clients/)
      const gone = new Promise((resolve) => first.socket.on('close', resolve))
      first.send('X')
      await gone
      const third = await WireClient.open(port, 'default', KEY)
      for (const client of [second, third]) client.close()
    }))

  it('has a bound for connections that say nothing, and a time for them', () =>
    limited({ maxConnections: 1, maxHandshakes: 1, handshakeTimeoutMs: 300 }, async (port) => {
      const silent = [await WireClient.connect(port), await WireClient.connect(port)]
      const third = await WireClient.connect(port)
      assert.equal(await third.untilClosed(), null, 'closed unheard')
      for (const client of silent) assert.equal(await client.untilClosed(), null)
      const late = await WireClient.open(port, 'default', KEY)
      late.close()
    }))

  it('has a bound for prepared statements and for portals', () =>
    limited({ maxStatements: 2, maxPortals: 2, maxStatementCharacters: 50 }, (port) =>
      session(async (client) => {
        for (const name of ['a', 'b', 'c']) client.parse('SELECT 1', name)
        client.sync()
        const parsed = await client.untilReady()
        assert.equal(parsed.letters, '11EZ')
        assert.equal(parsed.errors[0].C, '54000')
        client.send('C', cstring('Sb'))
        client.parse(`SELECT '${'x'.repeat(40)}'`, 'd')
        client.sync()
        assert.equal((await client.untilReady()).letters, '3EZ')
        for (const portal of ['p', 'q', 'r']) client.bind({ portal, statement: 'a' })
        client.sync()
        assert.equal((await client.untilReady()).letters, '22EZ')
      }, port),
    ))

  it('has a bound for messages', () =>
    limited({ maxMessageBytes: 1000 }, async (port) => {
      await session(async (client) => {
        client.query(`SELECT 1 ${' '.repeat(990)}`)
        assert.equal((await client.untilReady()).rows.length, 1)
        client.query(`SELECT 1 ${' '.repeat(991)}`)
        const error = await client.untilClosed()
        assert.deepEqual([error?.S, error?.C], ['FATAL', '08P01'])
      }, port)
    }))

  it('ends a session that says nothing for long, in good form', () =>
    limited({ idleTimeoutMs: 50 }, (port) =>
      session(async (client) => {
        const error = await client.untilClosed()
        assert.deepEqual([error?.S, error?.C], ['FATAL', '57P05'])
      }, port),
    ))

  it('tells its clients when it ends', async () => {
    const server = await test.open()
    const idle = await WireClient.open(server.port, 'default', KEY)
    const busy = await WireClient.open(server.port, 'default', KEY)
    busy.query(ENDLESS)
    const closed = server.close()
    for (const client of [idle, busy]) assert.equal((await client.untilClosed())?.C, '57P01')
    await closed
    await assert.rejects(WireClient.connect(server.port))
  })

  it('says no to encryption it has no certificate for, and to what it does not speak', async () => {
    const client = await WireClient.connect(test.port)
    const answer = new Promise<Buffer>((resolve) => client.socket.once('data', resolve))
    client.write(Buffer.concat([int32(8), int32(80_877_103)]))
    assert.equal((await answer).toString(), 'N')
    client.close()
    const older = await WireClient.connect(test.port)
    older.startup({ user: 'default' }, 2 << 16)
    assert.match(errorFields(await older.expect('E')).M, /protocol 2\.0/)
    older.close()
    const newer = await WireClient.connect(test.port)
    newer.startup({ user: 'default', database: 'millrace', '_pq_.x': 'y' }, (3 << 16) | 2)
    assert.equal((await newer.expect('v')).body.readInt32BE(), 0)
    newer.close()
  })
})
