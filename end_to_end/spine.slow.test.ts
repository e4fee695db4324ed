/** The whole house from outside: OTLP by the official SDK in, SQL out; what a person at the terminal meets. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Metadata } from '@grpc/grpc-js'
import { SpanKind } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as HttpTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { NodeTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-node'
import { fastestMs } from '#pipeline/testing/figures.ts'
import { until } from '#pipeline/testing/until.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

const run = promisify(execFile)
const main = join(import.meta.dirname, '../main.ts')

/** Asks until the answer is the one wanted: within a second on cores of its own; here they are shared with other tests. */
async function soon(ask: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const deadline = performance.now() + 3_000
  for (;;) {
    const answer = await ask()
    try {
      assert.deepEqual(answer, wanted)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}

async function post(server: TestServer, body: object, key = TEST_KEY): Promise<Response> {
  return fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  })
}

const logs = (...bodies: string[]) => ({
  resourceLogs: [{ scopeLogs: [{ logRecords: bodies.map((stringValue) => ({ body: { stringValue } })) }] }],
})

describe('millrace', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-spine-'))
  let server: TestServer
  const cli = (...args: string[]) =>
    run(process.execPath, [main, ...args], { env: { ...process.env, MILLRACE_DATA_DIR: dataDir } })

  before(async () => {
    server = await startServer({ dataDir })
  })
  after(async () => {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const authorization = `Bearer ${TEST_KEY}`
  const exporters: Record<string, () => SpanExporter> = {
    grpc: () => {
      const metadata = new Metadata()
      metadata.set('authorization', authorization)
      return new GrpcTraceExporter({ url: server.grpcUrl, metadata })
    },
    'http/protobuf': () => new ProtoTraceExporter({ url: `${server.otlpUrl}/v1/traces`, headers: { authorization } }),
    'http/json': () => new HttpTraceExporter({ url: `${server.otlpUrl}/v1/traces`, headers: { authorization } }),
  }
  for (const [protocol, exporter] of Object.entries(exporters)) {
    it(`shows in SQL, within a second, what the official SDK sent by ${protocol}`, async () => {
      const resource = resourceFromAttributes({ 'service.name': `sdk ${protocol}` })
      const provider = new NodeTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter())] })
      const span = provider.getTracer('spine').startSpan('GET /cart', {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'cart.items': 3,
          'http.route': '/cart',
        },
      })
      span.end()
      await provider.forceFlush()
      await provider.shutdown()
      const sql = `select name, kind, attributes___http___request___method, attributes->>'cart.items', attributes->'http'->>'route',
          attributes___http___response___status_code, context___trace_id
        from otel_logs_and_spans where resource___service___name = $1`
      const { traceId } = span.spanContext()
      await soon(
        () => server.query(sql, [`sdk ${protocol}`]),
        [['GET /cart', 'server', 'GET', '3', '/cart', 200, traceId]],
      )
    })
  }

  it('keeps projects apart', async () => {
    await cli('project', 'create', 'other')
    const { stdout } = await cli('key', 'add', '--project', 'other', '--name', 'theirs')
    const key = stdout.trim()
    await soon(async () => (await post(server, logs('a secret of theirs'), key)).status, 200)
    assert.equal((await post(server, logs('ours'))).status, 200)
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const sql = 'select body from otel_logs_and_spans where body is not null'
    const theirs = async () => {
      const response = await fetch(`${server.httpUrl}/v1/query`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ sql }),
      })
      return ((await response.json()) as { rows: unknown[] }).rows
    }
    await soon(theirs, [['a secret of theirs']])
    assert.deepEqual(await server.query("select count(*) from otel_logs_and_spans where body::text like '%secret%'"), [
      [0],
    ])
  })

  it('refuses a revoked key at once', async () => {
    const { stdout, stderr } = await cli('key', 'add', '--name', 'short-lived')
    const id = /id (\S+),/.exec(stderr)![1]
    await soon(async () => (await post(server, logs('one'), stdout.trim())).status, 200)
    await cli('key', 'revoke', id)
    await soon(async () => (await post(server, logs('two'), stdout.trim())).status, 401)
  })

  it('answers on the command line: table, JSON, CSV, and errors with their place', async () => {
    assert.match((await cli('sql', 'select 1 as one')).stdout, /^one\n───\n {2}1\n\(1 row\)\n$/)
    assert.equal((await cli('sql', '-f', 'json', 'select $1 as it', 'x')).stdout, '{"it":"x"}\n')
    assert.equal((await cli('sql', '-f', 'csv', 'select 1 as one')).stdout, 'one\r\n1\r\n')
    const wrong = await cli('sql', 'selct 1').catch((error) => error)
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /^millrace: .*selct.*\n {2}selct 1\n {2}\^/s)
  })

  it('answers again soon after the query process was killed', async () => {
    const answers = () =>
      server.query('select 1').then(
        () => true,
        () => false,
      )
    // A second on cores of its own; here they are shared with other tests.
    const backMs = await fastestMs(3, 3000, async () => {
      const found = execFileSync('pgrep', ['-P', String(server.pid), '-f', 'query/child'])
        .toString()
        .trim()
      assert.match(found, /^\d+$/)
      process.kill(Number(found), 'SIGKILL')
      const killed = performance.now()
      await until(answers)
      return performance.now() - killed
    })
    assert.ok(backMs <= 3000, `${backMs} ms`)
  })

  it('says how it does: topology with live numbers, metrics, health', async () => {
    const topology = (await (await server.get('/v1/topology')).json()) as {
      stages: unknown[]
      parts: { name: string; events_total: number }[]
    }
    assert.deepEqual(
      topology.parts.map(({ name }) => name),
      ['normalize', 'flatten_attributes', 'fingerprint_errors', 'lake', 'postgres'],
    )
    assert.ok(topology.parts.every(({ events_total }) => events_total > 0))
    assert.match(await (await server.get('/metrics')).text(), /millrace_receiver_events_total\{signal="logs"\} [1-9]/)
    assert.equal((await fetch(`${server.httpUrl}/v1/topology`)).status, 401)
    assert.equal(
      (await fetch(`${server.httpUrl}/healthz`, { headers: { origin: 'https://evil.example' } })).status,
      403,
    )
  })

  it('ends on SIGTERM with everything in the lake, and has it again after the next start', async () => {
    const count = 'select count(*), count(distinct id) from otel_logs_and_spans'
    const previous = await server.query(count)
    assert.ok(Number(previous[0][0]) >= 5)
    assert.equal(await server.stop(), 0)
    server = await startServer({ dataDir })
    assert.deepEqual(await server.query(count), previous)
  })

  it('says in one line, with code 2, why it does not start', async () => {
    const port = new URL(server.httpUrl).port
    for (const [env, message] of [
      [{ MILLRACE_DATA_DIR: dataDir }, /in use by process \d+/],
      [{ MILLRACE_DATA_DIR: '/etc' }, /holds other files/],
      [{ MILLRACE_HTTP_PORT: 'abc' }, /MILLRACE_HTTP_PORT/],
    ] as const) {
      const failed = await run(process.execPath, [main, 'start'], { env: { ...process.env, ...env } }).catch(
        (error) => error,
      )
      assert.equal(failed.code, 2)
      assert.match(failed.stderr, message)
      assert.equal(failed.stderr.trim().split('\n').length, 1, failed.stderr)
    }
    await assert.rejects(
      startServer({ env: { MILLRACE_HTTP_PORT: port } }),
      /ended with code 2: millrace: port \d+ is taken/,
    )
  })
})

it('npm run demo answers its questions and leaves nothing behind', async () => {
  const script = join(import.meta.dirname, '../demo/demo.ts')
  const { stdout } = await run(process.execPath, [script], { env: { ...process.env, DEMO_SECONDS: '2' } })
  assert.match(stdout, /[1-9]\d* orders were taken/)
  assert.match(stdout, /PaymentDeclined/)
  assert.match(stdout, /checkout +[1-9]\d* /)
})
