/** OTLP/gRPC over real sockets: what goes wrong, and what clients are told. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { TransientError } from '#pipeline/errors/errors.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { encodeStatus } from './answers.ts'
import type { ReceiverLimits } from './receiver.ts'
import { Refusal } from './refusal.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { startReceiver, type TestReceiver } from './testing/receiver.ts'

const KEY = 'mr_0123456789abcdefghijABCDEFGHIJ01'
const directory = new MemoryDirectory().add(KEY, 'p')
const METHOD = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const asItIs = (bytes: Buffer) => bytes

function logs(count: number): Buffer {
  const logRecords = Array.from({ length: count }, (_, at) => ({ eventName: `event ${at}` }))
  return Buffer.from(encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
}

async function setUp(context: TestContext, limits: Partial<ReceiverLimits> = {}, log = new MemoryLog()) {
  const errors: unknown[] = []
  const receiver = await startReceiver(directory, {
    log,
    limits: { lingerMs: 0, drainMs: 1000, ...limits },
    onError: (error) => errors.push(error),
  })
  const client = newClient(receiver)
  context.after(async () => {
    client.close()
    await receiver.close()
  })
  return { receiver, client, errors }
}

function newClient({ ports }: TestReceiver, options = {}): Client {
  return new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure(), options)
}

function send(client: Client, body: Buffer, { key = KEY, method = METHOD } = {}): Promise<Buffer> {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${key}`)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(method, asItIs, asItIs, body, metadata, (error, answer) => {
      if (error === null) resolve(answer!)
      else reject(error)
    })
  })
}

function failsWith(code: number, message: RegExp) {
  return (error: ServiceError) => error.code === code && message.test(error.details)
}

test('success is empty, partial success counts and explains', async (context) => {
  const { receiver, client } = await setUp(context, { maxEventBytes: 9 })
  assert.equal((await send(client, logs(1))).length, 0)
  const answer = await send(client, logs(12))
  assert.ok(answer.includes('2 of 12 refused: 2 larger than 9 bytes'))
  const refused = (await receiver.records()).flatMap(({ exports }) => exports.map((part) => part.refused))
  assert.deepEqual(
    refused.toSorted((a, b) => a.length - b.length),
    [[], [10, 11]],
  )
})

test('each fault has its code and a sentence', async (context) => {
  const { receiver, client, errors } = await setUp(context, { maxEvents: 2, maxBodyBytes: 1000 })
  await assert.rejects(send(client, logs(1), { key: 'wrong' }), failsWith(status.UNAUTHENTICATED, /not valid/))
  await assert.rejects(send(client, Buffer.from('hello')), failsWith(status.INVALID_ARGUMENT, /no OTLP export of logs/))
  await assert.rejects(send(client, logs(3)), failsWith(status.RESOURCE_EXHAUSTED, /more than 2 events/))
  await assert.rejects(send(client, Buffer.alloc(1001)), failsWith(status.RESOURCE_EXHAUSTED, /larger than max/))
  const method = METHOD.replace('logs', 'profiles')
  await assert.rejects(send(client, logs(1), { method }), failsWith(status.UNIMPLEMENTED, /./))
  assert.deepEqual([await receiver.records(), errors, receiver.inFlightBytes], [[], [], 0])
})

test('a bomb is refused as too large', async (context) => {
  const { receiver } = await setUp(context, { maxBodyBytes: 2 ** 20 })
  const client = newClient(receiver, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip })
  context.after(() => client.close())
  const zeros = Buffer.alloc(64 * 2 ** 20)
  assert.ok(gzipSync(zeros).length < 2 ** 20, 'small on the wire')
  await assert.rejects(send(client, zeros), failsWith(status.RESOURCE_EXHAUSTED, /decompresses to a size larger/))
  assert.equal((await send(client, logs(1))).length, 0)
})

test('broken bodies get an answer and leave the connection usable', async (context) => {
  const { client, errors } = await setUp(context)
  const whole = logs(3)
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length * 8 - 1), fc.boolean(), async (place, cut) => {
      const body = Buffer.from(whole)
      body[place >> 3] ^= 1 << (place & 7)
      await send(client, cut ? whole.subarray(0, place >> 3) : body).catch((error: ServiceError) => {
        assert.equal(error.code, status.INVALID_ARGUMENT)
      })
    }),
    { numRuns: 200 },
  )
  assert.deepEqual(errors, [])
})

test('a failing log and too much in flight are UNAVAILABLE with RetryInfo', async (context) => {
  class FailingLog extends MemoryLog {
    override async append(): Promise<readonly number[]> {
      throw new TransientError('disk full', { retryAfterMs: 3000 })
    }
  }
  const failing = await setUp(context, {}, new FailingLog())
  const full = await setUp(context, { maxInFlightBytes: 5 })
  for (const [{ client }, message, retryAfterMs] of [
    [failing, 'the export could not be stored; try again', 3000],
    [full, '5 bytes are being received already; try again', 1000],
  ] as const) {
    await assert.rejects(send(client, logs(1)), (error: ServiceError) => {
      assert.deepEqual([error.code, error.details], [status.UNAVAILABLE, message])
      const details = encodeStatus(new Refusal('unavailable', message, { retryAfterMs }), 'application/x-protobuf')
      assert.deepEqual(error.metadata.get('grpc-status-details-bin'), [details])
      return true
    })
  }
})
