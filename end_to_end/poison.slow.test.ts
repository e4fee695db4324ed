/** What should not be, in every topic and in exports: it lands where the documents say, and everything else is stored. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { until } from '#pipeline/testing/until.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

type Signal = 'logs' | 'traces' | 'metrics'

async function send(server: TestServer, signal: Signal, body: string): Promise<{ status: number; answer: string }> {
  const response = await fetch(`${server.otlpUrl}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    body,
  })
  return { status: response.status, answer: await response.text() }
}

const logsOf = (...logRecords: object[]) => JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
const named = (eventName: string, more: object = {}) => ({ eventName, timeUnixNano: `${Date.now()}000000`, ...more })
const attribute = (key: string, value: object) => ({ key, value })

interface Letter {
  readonly topic: string
  readonly code: string
  readonly stage: string
  readonly detail: string
  readonly bytes: { readonly size: number } | null
  readonly raw: { readonly topic: string; readonly offset: number }
}

async function letters(server: TestServer): Promise<readonly Letter[]> {
  const answer = await server.get('/v1/dead_letters/rows?limit=100')
  return ((await answer.json()) as { items: Letter[] }).items
}

const names = async (server: TestServer): Promise<unknown[]> =>
  (await server.query('select name from otel_logs_and_spans where name is not null order by name')).flat()

describe('records that cannot be read, in every topic', () => {
  const TOPICS = ['telemetry.raw.v1', 'telemetry.normalized.v1', 'telemetry.flattened.v1', 'telemetry.events.v1']
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-poison-'))
  let server: TestServer
  after(async () => {
    await server?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('are dead letters with their bytes; what was sent before and after is stored, and nothing stands still', async () => {
    server = await startServer({ dataDir })
    assert.equal((await send(server, 'logs', logsOf(named('before')))).status, 200)
    await until(async () => (await names(server)).length === 1)
    await server.stop()

    const log = await createEmbeddedLog({ directory: join(dataDir, 'log') })
    const bounds = new Map<string, number>()
    try {
      const own = new Map<string, Uint8Array>()
      for (const topic of TOPICS) {
        const [{ end }] = (await log.topics()).find(({ name }) => name === topic)!.bounds
        bounds.set(topic, end)
        const [record] = await log.read(topic, 0, 0, { maxBytes: 1, maxRecords: 1 })
        own.set(topic, record.value)
      }
      const [raw, normalized] = TOPICS.map((topic) => own.get(topic)!)
      const unknown = Buffer.from(raw)
      unknown.writeInt32BE(0x7fff_ffff, 1)
      for (const topic of TOPICS) {
        const values = [
          own.get(topic)!.subarray(0, -7), // truncated
          topic === TOPICS[0] ? normalized : raw, // another topic's schema
          unknown, // a schema nobody knows
          Buffer.alloc(0),
          Buffer.from('{"not":"avro"}'),
        ]
        const records = values.map((value) => ({ topic, partition: 0, value, timestamp: Date.now() }))
        await log.append(records)
        await log.append([{ topic: `${topic}.dlq`, partition: 0, value: Buffer.from('no dead letter'), timestamp: 1 }])
      }
    } finally {
      await log.close()
    }

    server = await startServer({ dataDir })
    assert.equal((await send(server, 'logs', logsOf(named('after')))).status, 200)
    await until(async () => (await names(server)).length === 2)
    assert.deepEqual(await names(server), ['after', 'before'])
    await until(async () => (await letters(server)).length >= 20)
    const found = await letters(server)
    for (const topic of TOPICS) {
      const here = found.filter((letter) => letter.topic === topic)
      assert.deepEqual(
        here.map(({ raw }) => raw.offset).toSorted((a, b) => a - b),
        [0, 1, 2, 3, 4].map((at) => bounds.get(topic)! + at),
        topic,
      )
      assert.ok(here.every(({ code, bytes, raw }) => code === 'unreadable' && bytes !== null && raw.topic === topic))
      const details = here.map(({ detail }) => detail).join('\n')
      assert.match(details, /not a value of the schema/)
      assert.match(details, /it is a millrace\.v1\.\w+ \(schema \d+\), where a millrace\.v1\.\w+ belongs/)
      assert.match(details, /the registry has no schema 2147483647/)
      assert.match(details, /not a framed Avro value/)
    }
    assert.equal((await server.get('/readyz')).status, 200)
    const { unaccounted, dead_lettered } = (await (await server.get('/v1/ledger')).json()) as Record<string, number>
    assert.deepEqual([unaccounted, dead_lettered], [0, 0], 'nobody knows whose they are, or how many')
  })

  it('are put aside once, however often millrace starts', async () => {
    await server.stop()
    server = await startServer({ dataDir })
    assert.equal((await letters(server)).length, 20)
    assert.deepEqual(await names(server), ['after', 'before'])
  })

  it('cannot be treated again, which is said, and can be discarded', async () => {
    const decide = async (decision: string) => {
      const response = await fetch(`${server.httpUrl}/v1/dead_letters/${decision}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ code: 'unreadable' }),
      })
      return (await response.json()) as { events: number; refused: { reason: string; events: number }[] }
    }
    const { events, refused } = await decide('requeue')
    assert.deepEqual([events, refused[0].events], [0, 20])
    assert.match(refused[0].reason, /cannot be read cannot be treated again/)
    assert.equal((await decide('discard')).events, 20)
    assert.deepEqual(await letters(server), [])
    assert.equal((await send(server, 'logs', logsOf(named('at last')))).status, 200)
    await until(async () => (await names(server)).length === 3)
  })
})

describe('exports that should not be', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => server?.stop())

  const deep = (levels: number): object =>
    levels === 0 ? { stringValue: 'bottom' } : { arrayValue: { values: [deep(levels - 1)] } }
  const gauge = (name: string, ...points: object[]) =>
    JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name, gauge: { dataPoints: points } }] }] }] })
  const at = `${Date.now()}000000`

  /** What is sent, what is answered, and the names that are stored of it. */
  const POISON: readonly [what: string, signal: Signal, body: string, status: number, stored: readonly string[]][] = [
    [
      'an event of over 1 MiB beside a small one',
      'logs',
      logsOf(named('huge', { body: { stringValue: 'x'.repeat(1_100_000) } }), named('beside huge')),
      200,
      ['beside huge'],
    ],
    [
      'an event of nearly 1 MiB',
      'logs',
      logsOf(named('large', { body: { stringValue: 'x'.repeat(1_000_000) } })),
      200,
      ['large'],
    ],
    [
      'an export of over 16 MiB',
      'logs',
      logsOf(named('too large', { body: { stringValue: 'x'.repeat(17_000_000) } })),
      413,
      [],
    ],
    [
      'NaN and the infinities as attributes',
      'logs',
      logsOf(
        named('not finite', {
          attributes: ['NaN', 'Infinity', '-Infinity'].map((doubleValue, n) => attribute(`d${n}`, { doubleValue })),
        }),
      ),
      200,
      ['not finite'],
    ],
    [
      'numbers at the ends',
      'logs',
      logsOf(
        named('extreme', {
          attributes: [
            attribute('max', { intValue: '9223372036854775807' }),
            attribute('min', { intValue: '-9223372036854775808' }),
            attribute('big', { doubleValue: 1.7976931348623157e308 }),
            attribute('small', { doubleValue: 5e-324 }),
            attribute('zero', { doubleValue: -0 }),
          ],
        }),
      ),
      200,
      ['extreme'],
    ],
    [
      'a number that is none',
      'logs',
      logsOf(named('no number', { attributes: [attribute('n', { intValue: '9223372036854775808' })] })),
      400,
      [],
    ],
    [
      'clocks off by years',
      'logs',
      logsOf(
        ...['0', '1', '4102444800000000000', '9223372036854775807', '18446744073709551615'].map((timeUnixNano, n) =>
          named(`clock ${n}`, { timeUnixNano }),
        ),
      ),
      200,
      ['clock 0', 'clock 1', 'clock 2', 'clock 3', 'clock 4'],
    ],
    [
      'one attribute of many types',
      'logs',
      logsOf(
        ...[
          { stringValue: 'x' },
          { intValue: '1' },
          { boolValue: true },
          { doubleValue: 1.5 },
          { bytesValue: 'AAA=' },
          { arrayValue: { values: [{ intValue: '1' }] } },
          { kvlistValue: { values: [attribute('a', { intValue: '1' })] } },
        ].map((value, n) =>
          named(`type ${n}`, { attributes: [attribute('same', value), attribute('http.response.status_code', value)] }),
        ),
      ),
      200,
      [0, 1, 2, 3, 4, 5, 6].map((n) => `type ${n}`),
    ],
    ['values nested as deep as allowed', 'logs', logsOf(named('deep', { body: deep(60) })), 200, ['deep']],
    ['values nested deeper', 'logs', logsOf(named('deeper', { body: deep(80) })), 400, []],
    [
      'values nested without end',
      'logs',
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(20_000)}`,
      400,
      [],
    ],
    [
      'lone surrogates',
      'logs',
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"lone","body":{"stringValue":"\\ud800"},"attributes":[{"key":"\\udfff","value":{"stringValue":"a\\ud83dz"}}]}]}]}]}',
      200,
      ['lone'],
    ],
    [
      'NUL and control characters',
      'logs',
      logsOf(
        named('nul', {
          body: { stringValue: 'a\0b\u001b[31m' },
          attributes: [attribute('a\0', { stringValue: '\0' })],
        }),
      ),
      200,
      ['nul'],
    ],
    ['empty exports', 'logs', '{}', 200, []],
    ['empty resources and scopes', 'logs', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[]},{}]},{}]}', 200, []],
    ['no JSON', 'logs', '{"resourceLogs":', 400, []],
    [
      'spans that end before they begin, without ids',
      'traces',
      JSON.stringify({
        resourceSpans: [
          { scopeSpans: [{ spans: [{ name: 'backwards', startTimeUnixNano: at, endTimeUnixNano: '1' }] }] },
        ],
      }),
      200,
      ['backwards'],
    ],
  ]

  for (const [what, signal, body, status, stored] of POISON) {
    it(`${what}: ${status}`, async () => {
      const before = await names(server)
      const { status: got, answer } = await send(server, signal, body)
      assert.equal(got, status, answer)
      await until(async () => (await names(server)).length >= before.length + stored.length)
      const after = await names(server)
      assert.deepEqual(after, [...before, ...stored].toSorted())
    })
  }

  it('metrics that are no numbers, and histograms that count further than is counted', async () => {
    const points = ['NaN', 'Infinity', '-Infinity', 1e308].map((asDouble) => ({ timeUnixNano: at, asDouble }))
    assert.equal((await send(server, 'metrics', gauge('odd', ...points))).status, 200)
    const histogram = {
      dataPoints: [
        {
          timeUnixNano: at,
          count: '18446744073709551615',
          sum: 'NaN',
          bucketCounts: ['18446744073709551615'],
          explicitBounds: [],
        },
      ],
      aggregationTemporality: 2,
    }
    const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'odd', histogram }] }] }] })
    assert.equal((await send(server, 'metrics', body)).status, 200)
    await until(async () => Number((await server.query('select count(*) from otel_metrics'))[0][0]) === 5)
  })

  it('have left no dead letters, nothing is lost, and what comes next is stored', async () => {
    assert.equal((await send(server, 'logs', logsOf(named('the end')))).status, 200)
    await until(async () => (await names(server)).includes('the end'))
    assert.deepEqual(await letters(server), [])
    let ledger: Record<string, unknown> = {}
    await until(async () => {
      ledger = (await (await server.get('/v1/ledger')).json()) as Record<string, unknown>
      return ledger.in_flight === 0
    })
    const { stored, dropped_by_reason: reasons, dead_lettered, unaccounted } = ledger
    const rows = POISON.reduce((sum, [, , , , stored]) => sum + stored.length, 0)
    assert.deepEqual([stored, reasons, dead_lettered, unaccounted], [rows + 6, { refused: 1 }, 0, 0])
    assert.equal((await server.get('/readyz')).status, 200)
  })

  it('and a body that passes nobody’s inspection is a dead letter of normalize, with its export beside it', async () => {
    // Not by way of the receiver, which would refuse it: as a record of another version might be.
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-malformed-'))
    let other = await startServer({ dataDir })
    try {
      const { items } = (await (await other.get('/v1/projects')).json()) as { items: { id: string }[] }
      await other.stop()
      const log = await createEmbeddedLog({ directory: join(dataDir, 'log') })
      const part = {
        contentType: 'application/x-protobuf',
        body: Buffer.from([0x0a, 0x7f]),
        eventCount: 2,
        refused: [],
      } as const
      const exports = [{ ...part, key: Buffer.alloc(16, 1), receivedAt: Date.now() * 1000 }]
      const record = { projectId: items[0].id, signal: 'logs', receivedAt: Date.now() * 1000, exports } as const
      const id = await log.register('telemetry.raw.v1-value', rawRecordCodec.schema)
      await log.append([
        { topic: 'telemetry.raw.v1', partition: 0, value: rawRecordCodec.encode(record, id), timestamp: Date.now() },
      ])
      await log.close()
      other = await startServer({ dataDir })
      await until(async () => (await letters(other)).length === 2)
      const [{ code, stage, detail }] = await letters(other)
      assert.deepEqual([code, stage, detail], ['malformed', 'normalize', '127 bytes at 2, where 0 are left'])
      const counted = async () => (await (await other.get('/v1/ledger')).json()) as Record<string, unknown>
      await until(async () => (await counted()).dead_lettered === 2)
    } finally {
      await other.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
