/** A receiver's life: starting, ticking, closing. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { createReceiver } from './receiver.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { PROTOCOLS, sendOne } from './testing/exporters.ts'
import { rawRecords, startReceiver } from './testing/receiver.ts'
import { VirtualClock } from './testing/virtual_clock.ts'

const KEY = 'mr_0123456789abcdefghijABCDEFGHIJ01'
const directory = new MemoryDirectory().add(KEY, 'p')
const headers = { authorization: `Bearer ${KEY}` }

/** A log whose appends wait to be let go. */
class SlowLog extends MemoryLog {
  readonly gate = Promise.withResolvers<void>()
  readonly arrived = Promise.withResolvers<void>()

  override async append(records: Parameters<MemoryLog['append']>[0]): Promise<readonly number[]> {
    this.arrived.resolve()
    await this.gate.promise
    return super.append(records)
  }
}

test('a taken port is named together with its setting, and nothing is left listening', async (context) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  context.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const log = new MemoryLog()
  await log.createTopics([{ name: telemetryRaw.name, partitions: 1, retentionMs: 1, retentionBytes: null }])
  for (const [ports, setting] of [
    [{ grpc: port, http: 0 }, 'MILLRACE_OTLP_GRPC_PORT'],
    [{ grpc: 0, http: port }, 'MILLRACE_OTLP_HTTP_PORT'],
  ] as const) {
    await assert.rejects(
      createReceiver({ log, registry: log, directory, ports, host: '127.0.0.1' }),
      (error: unknown) =>
        error instanceof OperatorError &&
        error.message.includes(`port ${port}: the port is taken`) &&
        error.message.includes(setting),
    )
  }
})

test('a log without the raw topic is the operator’s to fix', async () => {
  const log = new MemoryLog()
  const starting = createReceiver({ log, registry: log, directory, ports: { grpc: 0, http: 0 }, host: '127.0.0.1' })
  await assert.rejects(
    starting,
    (error: unknown) => error instanceof OperatorError && /telemetry\.raw/.test(error.message),
  )
})

for (const protocol of PROTOCOLS) {
  test(`${protocol}: closing answers what is in flight before it resolves`, async (context) => {
    const log = new SlowLog()
    const receiver = await startReceiver(directory, { log, limits: { lingerMs: 0, drainMs: 30_000 } })
    context.after(() => receiver.close())
    const sent = sendOne({ protocol, signal: 'logs', ports: receiver.ports, headers })
    await log.arrived.promise
    let closed = false
    const closing = receiver.close().then(() => {
      closed = true
    })
    await new Promise(setImmediate)
    assert.equal(closed, false)
    log.gate.resolve()
    assert.equal(await sent, null, 'the exporter was told of success')
    await closing
    assert.equal((await receiver.records()).length, 1)
    assert.notEqual(await sendOnce(receiver.ports.http), 200)
  })
}

/** The status of a request; `null` where nobody listens. */
async function sendOnce(port: number): Promise<number | null> {
  return fetch(`http://127.0.0.1:${port}/v1/logs`, { method: 'POST' }).then(
    ({ status }) => status,
    () => null,
  )
}

test('closing gives up at its deadline', async () => {
  const log = new SlowLog()
  const receiver = await startReceiver(directory, { log, limits: { lingerMs: 0, drainMs: 50 } })
  const sent = fetch(`http://127.0.0.1:${receiver.ports.http}/v1/logs`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-protobuf' },
    body: Buffer.from(encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] })),
  })
  await log.arrived.promise
  await Promise.all([receiver.close(), receiver.close(), assert.rejects(sent)])
})

test('silent partitions get a tick a second, going on from the time of the newest record', async (context) => {
  const clock = new VirtualClock()
  const first = await startReceiver(directory, { clock, partitions: 2 })
  context.after(() => first.close())
  for (let second = 0; second < 3; second++) {
    clock.advance(1020)
    await new Promise(setImmediate)
  }
  await first.close()
  const ticks = await rawRecords(first.log, { ticks: true })
  assert.deepEqual(
    ticks.map(({ origin, projectId, eventCount }) => [origin.partition, projectId, eventCount]),
    [0, 0, 0, 1, 1, 1].map((partition) => [partition, '', 0]),
  )
  clock.set(clock.now() - 60_000_000)
  const second = await startReceiver(directory, { log: first.log, clock, partitions: 2 })
  context.after(() => second.close())
  clock.advance(1020)
  await second.close()
  for (const partition of [0, 1]) {
    const times = (await rawRecords(first.log, { ticks: true }))
      .filter(({ origin }) => origin.partition === partition)
      .map(({ receivedAt }) => receivedAt)
    assert.equal(times.length, 4)
    assert.deepEqual(times.toSorted(), times)
  }
  assert.equal(clock.timers, 0)
})
