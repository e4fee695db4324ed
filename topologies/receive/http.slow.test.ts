/** OTLP/HTTP over real sockets: what goes wrong, and what clients are told. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import type { ReceiverLimits } from './receiver.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { startReceiver, type TestReceiver } from './testing/receiver.ts'

const KEY = 'mr_0123456789abcdefghijABCDEFGHIJ01'
const directory = new MemoryDirectory().add(KEY, 'p').add('mr_reader', 'p', ['read'])
const PROTOBUF = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${KEY}` }
const JSON_TYPE = { ...PROTOBUF, 'content-type': 'application/json' }
const ONE_LOG = Buffer.from(encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'e' }] }] }] }))
const ONE_LOG_JSON = Buffer.from('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"e"}]}]}]}')

async function setUp(context: TestContext, limits: Partial<ReceiverLimits> = {}, log = new MemoryLog()) {
  const errors: unknown[] = []
  const receiver = await startReceiver(directory, {
    log,
    limits: { lingerMs: 0, drainMs: 1000, ...limits },
    onError: (error) => errors.push(error),
  })
  context.after(() => receiver.close())
  return Object.assign(receiver, { errors })
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** @param body given in chunks it is sent chunked, without a length */
async function send(
  { ports }: TestReceiver,
  { path = '/v1/logs', method = 'POST', headers = PROTOBUF as Record<string, string>, agent = new Agent() },
  body: Buffer | readonly Buffer[] = ONE_LOG,
): Promise<Answer> {
  const request = httpRequest({ host: '127.0.0.1', port: ports.http, path, method, headers, agent })
  if (Buffer.isBuffer(body)) request.end(body)
  else {
    for (const chunk of body) request.write(chunk)
    request.end()
  }
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }
}

function statusOf({ body }: Answer): { code: number; message: string; details: { retryDelay: string }[] } {
  return JSON.parse(body.toString())
}

test('answers come in the content type of the request', async (context) => {
  const receiver = await setUp(context)
  const protobuf = await send(receiver, {})
  assert.deepEqual([protobuf.status, protobuf.headers['content-type']], [200, 'application/x-protobuf'])
  assert.equal(protobuf.body.length, 0)
  const json = await send(
    receiver,
    { headers: { ...JSON_TYPE, 'content-type': 'Application/JSON; charset=utf-8' } },
    ONE_LOG_JSON,
  )
  assert.deepEqual([json.status, json.headers['content-type'], json.body.toString()], [200, 'application/json', '{}'])
  assert.equal((await receiver.records()).length, 2)
})

test('bodies may be compressed, and come in chunks of unknown total', async (context) => {
  const receiver = await setUp(context)
  const encoders = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync, identity: (body: Buffer) => body }
  for (const [encoding, encode] of Object.entries(encoders)) {
    const body = encode(ONE_LOG)
    const headers = { ...PROTOBUF, 'content-encoding': encoding }
    assert.equal((await send(receiver, { headers }, body)).status, 200, encoding)
    assert.equal((await send(receiver, { headers }, [body.subarray(0, 3), body.subarray(3)])).status, 200, encoding)
  }
  const records = await receiver.records()
  assert.equal(records.length, 8)
  for (const { exports } of records) assert.deepEqual(Buffer.from(exports[0].body), ONE_LOG)
})

test('each fault has its status and a sentence', async (context) => {
  const receiver = await setUp(context, { maxBodyBytes: 1000 })
  const headers = (changes: Record<string, string>) => ({ ...JSON_TYPE, ...changes })
  const cases: readonly [status: number, message: RegExp, options: object, body?: Buffer][] = [
    [404, /there is no \/v1\/profiles/, { path: '/v1/profiles', headers: JSON_TYPE }],
    [404, /there is no \//, { path: '/', method: 'GET', headers: {} }],
    [405, /use POST/, { method: 'GET', headers: {} }],
    [
      415,
      /must be application\/x-protobuf or application\/json/,
      { headers: headers({ 'content-type': 'text/plain' }) },
    ],
    [415, /content-encoding br/, { headers: headers({ 'content-encoding': 'br' }) }],
    [401, /not valid/, { headers: headers({ authorization: 'Bearer wrong' }) }],
    [401, /not valid/, { headers: headers({ authorization: '', 'x-api-key': '' }) }],
    [401, /no API key/, { headers: headers({ authorization: 'Basic eDp5' }) }],
    [403, /lacks the scope ingest/, { headers: headers({ authorization: 'Bearer mr_reader' }) }],
    [400, /expected \{ \(at byte 1\)/, { headers: JSON_TYPE }, ONE_LOG],
    [400, /expected \{/, { headers: JSON_TYPE }, Buffer.alloc(0)],
    [400, /the body is not gzip/, { headers: headers({ 'content-encoding': 'gzip' }) }],
    [413, /larger than 1000 bytes/, { headers: JSON_TYPE }, Buffer.alloc(1001)],
  ]
  for (const [status, message, options, body = ONE_LOG_JSON] of cases) {
    const answer = await send(receiver, options, body)
    assert.equal(answer.status, status, String(message))
    assert.match(statusOf(answer).message, message)
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.headers['retry-after'], undefined)
  }
  assert.deepEqual(await receiver.records(), [])
  assert.deepEqual(receiver.errors, [])
  const { signals, refusedRequests } = receiver.stats
  assert.deepEqual(refusedRequests, { unknown_path: 2 })
  assert.deepEqual(signals.logs.refusedExports, {
    unknown_method: 1,
    unsupported_type: 2,
    unauthenticated: 3,
    permission_denied: 1,
    malformed: 3,
    too_large: 1,
  })
  assert.equal(receiver.inFlightBytes, 0)
})

test('a body past its bound is refused before all of it came, with or without a length', async (context) => {
  const receiver = await setUp(context, { maxBodyBytes: 64 * 1024 })
  const chunks = Array.from({ length: 3 }, () => Buffer.alloc(32 * 1024))
  assert.equal((await send(receiver, {}, chunks)).status, 413)
  assert.equal((await send(receiver, {}, Buffer.concat(chunks))).status, 413)
  assert.equal(receiver.inFlightBytes, 0)
})

test('bombs are refused as too large', async (context) => {
  const receiver = await setUp(context, { maxBodyBytes: 2 ** 20 })
  const zeros = Buffer.alloc(64 * 2 ** 20)
  for (const [encoding, bomb] of [
    ['gzip', gzipSync(zeros)],
    ['zstd', zstdCompressSync(zeros)],
  ] as const) {
    const answer = await send(receiver, { headers: { ...JSON_TYPE, 'content-encoding': encoding } }, bomb)
    assert.equal(answer.status, 413)
    assert.match(statusOf(answer).message, /inflates to more than 1048576 bytes/)
  }
  assert.equal(receiver.inFlightBytes, 0)
})

test('broken bodies of every kind get an answer and leave the connection usable', async (context) => {
  const receiver = await setUp(context)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  context.after(() => agent.destroy())
  const formats = [
    [PROTOBUF, ONE_LOG],
    [JSON_TYPE, ONE_LOG_JSON],
    [{ ...PROTOBUF, 'content-encoding': 'gzip' }, gzipSync(ONE_LOG)],
    [{ ...PROTOBUF, 'content-encoding': 'zstd' }, zstdCompressSync(ONE_LOG)],
  ] as const
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...formats),
      fc.nat(),
      fc.nat(7),
      fc.boolean(),
      async ([headers, whole], place, bit, cut) => {
        const body = Buffer.from(whole)
        if (cut) body[place % body.length] ^= 1 << bit
        const sent = cut ? body : body.subarray(0, place % body.length)
        const { status } = await send(receiver, { headers, agent }, sent)
        assert.ok(status === 200 || status === 400 || status === 413, String(status))
      },
    ),
    { numRuns: 300 },
  )
  assert.deepEqual(receiver.errors, [])
})

test('while the log fails every export is refused with a time to retry; then it works again', async (context) => {
  class FailingLog extends MemoryLog {
    failing = true
    override async append(records: Parameters<MemoryLog['append']>[0]) {
      if (this.failing) throw new TransientError('disk full')
      return super.append(records)
    }
  }
  const log = new FailingLog()
  const receiver = await setUp(context, {}, log)
  for (const signal of SIGNALS) {
    const answer = await send(receiver, { path: `/v1/${signal}`, headers: JSON_TYPE }, jsonOf(signal))
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1'])
    assert.equal(statusOf(answer).details[0].retryDelay, '1.000s')
  }
  log.failing = false
  assert.equal((await send(receiver, {})).status, 200)
  assert.equal((await receiver.records()).length, 1)
  assert.ok(receiver.errors.length > 0)
})

function jsonOf(signal: 'logs' | 'traces' | 'metrics'): Buffer {
  const bodies = {
    logs: ONE_LOG_JSON.toString(),
    traces: '{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}',
    metrics: '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}]}}]}]}]}',
  }
  return Buffer.from(bodies[signal])
}

test('past the bound of bytes in flight exports are refused at once, and taken again afterwards', async (context) => {
  const gate = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  class SlowLog extends MemoryLog {
    override async append(records: Parameters<MemoryLog['append']>[0]) {
      arrived.resolve()
      await gate.promise
      return super.append(records)
    }
  }
  const receiver = await setUp(context, { maxInFlightBytes: ONE_LOG.length * 2 - 1 }, new SlowLog())
  const first = send(receiver, {})
  await arrived.promise
  assert.equal(receiver.inFlightBytes, ONE_LOG.length)
  const second = await send(receiver, { headers: PROTOBUF })
  assert.deepEqual([second.status, second.headers['retry-after']], [429, '1'])
  gate.resolve()
  assert.equal((await first).status, 200)
  assert.equal((await send(receiver, {})).status, 200)
  assert.equal(receiver.inFlightBytes, 0)
})

test('a client that stops sending is let go after the timeout, one that goes away at once', async (context) => {
  const receiver = await setUp(context, { requestTimeoutMs: 300 })
  const head = `POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\nx-api-key: ${KEY}\r\n`
  for (const sent of ['POST /v1/lo', head, `${head}content-length: 100\r\n\r\nhalf`]) {
    const socket = connect(receiver.ports.http, '127.0.0.1')
    socket.resume().write(sent)
    await once(socket, 'close')
  }
  const socket = connect(receiver.ports.http, '127.0.0.1')
  socket.write(`${head}content-length: 100\r\n\r\nhalf`)
  while (receiver.inFlightBytes === 0) await new Promise(setImmediate)
  socket.destroy()
  while (receiver.inFlightBytes > 0) await new Promise(setImmediate)
  assert.deepEqual([await receiver.records(), receiver.errors], [[], []])
  assert.equal((await send(receiver, {})).status, 200)
})

test('a connection that is still sending a refused body when closing begins does not hold it up', async (context) => {
  const receiver = await setUp(context, { drainMs: 60_000 })
  const socket = connect(receiver.ports.http, '127.0.0.1')
  const head = 'POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-api-key: wrong\r\n'
  socket.write(`${head}content-length: 10\r\n\r\nhalf`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1.1 401 /)
  const closing = receiver.close()
  socket.write('and so')
  await Promise.all([closing, once(socket, 'close')])
})
