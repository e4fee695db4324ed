import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorError, TransientError } from '../../errors/errors.ts'
import { until } from '../../testing/until.ts'
import type { NewRecord } from '../log.ts'
import type { Cluster } from './cluster.ts'
import { ProduceLane } from './produce_lane.ts'
import { decodeBatches, recordBytes } from './record_batch.ts'
import type { ProducedPartition } from './requests.ts'
import { WireReader, WireWriter } from './wire.ts'

interface Sent {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

/** A cluster of one broker that answers when it is told to. */
class HeldCluster {
  readonly requests: { readonly sent: readonly Sent[]; answer(errorCode?: number): void; fail(error: Error): void }[] =
    []
  readonly dropped: string[] = []
  readonly #ends = new Map<string, number>()

  /** Calls that find no leader. */
  leaderless = 0

  async leader(topic: string): Promise<number> {
    if (this.leaderless-- > 0) throw new TransientError('no broker leads it')
    if (topic === 'none') throw new RangeError('there is no topic none')
    return 1
  }

  at(_nodeId: number, _lane: string, send: (connection: object) => Promise<unknown>): Promise<unknown> {
    return send({ send: (request: { write(to: WireWriter): void }) => this.#hold(request) })
  }

  drop(lane: string): void {
    this.dropped.push(lane)
  }

  forget(): void {}

  #hold(request: { write(to: WireWriter): void }): Promise<readonly ProducedPartition[]> {
    const writer = new WireWriter()
    request.write(writer)
    const sent = readSent(writer.buffer)
    return new Promise((resolve, reject) => {
      this.requests.push({
        sent,
        answer: (errorCode = 0) => resolve(sent.map((each) => this.#place(each, errorCode))),
        fail: reject,
      })
    })
  }

  #place({ topic, partition, batch }: Sent, errorCode: number): ProducedPartition {
    const key = `${topic}/${partition}`
    const baseOffset = this.#ends.get(key) ?? 0
    this.#ends.set(key, baseOffset + batch.readInt32BE(57))
    return { topic, partition, errorCode, baseOffset, message: null }
  }
}

function readSent(bytes: Buffer): Sent[] {
  const from = new WireReader(bytes)
  assert.equal(from.string(), null)
  assert.equal(from.int16(), -1, 'acks=all')
  from.int32()
  return from
    .array(() => {
      const topic = from.string()!
      return from.array(() => ({ topic, partition: from.int32(), batch: from.bytes(from.int32()) }))
    })
    .flat()
}

const record = (value: string | Uint8Array, partition = 0, topic = 't'): NewRecord => ({
  topic,
  partition,
  value: Buffer.from(value),
  timestamp: 1,
})

function lane(cluster: HeldCluster, maxQueuedBytes = 1e9, stored = () => {}): ProduceLane {
  const options = { maxQueuedBytes, zstdLevel: 0, requestTimeoutMs: 1_000, knownEnd: () => null, stored }
  return new ProduceLane(cluster as unknown as Cluster, options)
}

async function texts(sent: readonly Sent[]): Promise<string[]> {
  const batches = await Promise.all(sent.map(({ batch }) => decodeBatches(batch, 0, 't')))
  return batches.flatMap(({ records }) => records.map(({ value }) => Buffer.from(value).toString()))
}

test('one request at a time; what waits goes in the next, in order', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const first = produce.append([record('a')])
  await until(() => cluster.requests.length === 1)
  const others = ['b', 'c', 'd'].map((text) => produce.append([record(text)]))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(cluster.requests.length, 1)
  cluster.requests[0].answer()
  assert.deepEqual(await first, [0])
  await until(() => cluster.requests.length === 2)
  assert.deepEqual(await texts(cluster.requests[1].sent), ['b', 'c', 'd'])
  cluster.requests[1].answer()
  assert.deepEqual(await Promise.all(others), [[1], [2], [3]])
  assert.equal(cluster.requests.length, 2)
})

test('a failure takes all that waits with it, and none of it is sent', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const appends = [produce.append([record('a')])]
  await until(() => cluster.requests.length === 1)
  appends.push(produce.append([record('b')]), produce.append([record('elsewhere', 7)]))
  cluster.requests[0].fail(Object.assign(new Error('cut'), { name: 'KafkaJSConnectionError' }))
  for (const settled of await Promise.allSettled(appends)) {
    assert.ok(settled.status === 'rejected' && settled.reason instanceof TransientError, JSON.stringify(settled))
  }
  assert.deepEqual(cluster.dropped, ['produce'])
  assert.equal(produce.queuedBytes, 0)
  const again = produce.append([record('a')])
  await until(() => cluster.requests.length === 2)
  assert.deepEqual(await texts(cluster.requests[1].sent), ['a'])
  cluster.requests[1].answer()
  await again
})

test('at its bound it refuses and says when to come again; below it, it takes', async () => {
  const cluster = new HeldCluster()
  const bytes = recordBytes({ key: null, value: Buffer.alloc(1_000) })
  const produce = lane(cluster, 3 * bytes)
  const taken = [0, 1, 2].map(() => produce.append([record(Buffer.alloc(1_000))]))
  assert.equal(produce.queuedBytes, 3 * bytes)
  await assert.rejects(produce.append([record('')]), (error: TransientError) => {
    assert.ok(error instanceof TransientError)
    assert.ok(error.retryAfterMs! > 0)
    return true
  })
  await assert.rejects(produce.append([record(Buffer.alloc(4 * bytes))]), RangeError)
  for (let i = 0; produce.queuedBytes > 0; i++) {
    await until(() => cluster.requests.length > i)
    cluster.requests[i].answer()
    await Promise.race(taken)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(taken)
  const once = produce.append([record(Buffer.alloc(1_000))])
  await until(() => cluster.requests.length === 2)
  cluster.requests[1].answer()
  await once
})

test('an append over a batch goes in several, in order; a record over it in one of its own', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const values = [400_000, 400_000, 400_000, 3_000_000, 10].map((size, i) => Buffer.alloc(size, String(i)))
  const append = produce.append(values.map((value) => record(value)))
  const sizes: number[][] = []
  for (let i = 0; i < 4; i++) {
    await until(() => cluster.requests.length > i)
    sizes.push((await texts(cluster.requests[i].sent)).map(({ length }) => length))
    cluster.requests[i].answer()
  }
  assert.deepEqual(await append, [0, 1, 2, 3, 4])
  assert.deepEqual(sizes, [[400_000, 400_000], [400_000], [3_000_000], [10]])
})

test('what names a place that does not exist is refused alone', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const appends = [produce.append([record('a')]), produce.append([record('b'), record('x', 0, 'none')])]
  appends.push(produce.append([record('c')]))
  await assert.rejects(appends[1], RangeError)
  await until(() => cluster.requests.length === 1)
  assert.deepEqual(await texts(cluster.requests[0].sent), ['a', 'c'])
  cluster.requests[0].answer()
  assert.deepEqual(await Promise.all([appends[0], appends[2]]), [[0], [1]])
  await assert.rejects(produce.append([{ ...record('d'), timestamp: -1 }]), RangeError)
})

test('what waits behind one without a leader does not overtake it', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const first = produce.append([record('a')])
  await until(() => cluster.requests.length === 1)
  cluster.leaderless = 1
  const others = ['b', 'c'].map((text) => produce.append([record(text)]))
  cluster.requests[0].answer()
  await first
  for (const settled of await Promise.allSettled(others)) {
    assert.ok(settled.status === 'rejected' && settled.reason instanceof TransientError)
  }
  assert.match(produce.failing!, /no broker leads it/)
  assert.equal(cluster.requests.length, 1)
  const again = produce.append([record('b')])
  await until(() => cluster.requests.length === 2)
  cluster.requests[1].answer()
  assert.deepEqual(await again, [1])
  assert.equal(produce.failing, null)
})

test('a record too large for the topic says so to who appended it, the others may try again', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const large = produce.append([record('large')])
  await until(() => cluster.requests.length === 1)
  const behind = produce.append([record('behind')])
  cluster.requests[0].answer(10)
  await assert.rejects(large, OperatorError)
  await assert.rejects(behind, TransientError)
})

test('what must not be believed fails the append', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster, 1e9, () => {
    throw new OperatorError('not what it was')
  })
  const append = produce.append([record('a')])
  await until(() => cluster.requests.length === 1)
  cluster.requests[0].answer()
  await assert.rejects(append, /not what it was/)
})

test('closing waits for what is under way', async () => {
  const cluster = new HeldCluster()
  const produce = lane(cluster)
  const append = produce.append([record('a')])
  await until(() => cluster.requests.length === 1)
  const closing = produce.close()
  await assert.rejects(produce.append([record('b')]), TransientError)
  cluster.requests[0].answer()
  await closing
  assert.deepEqual(await append, [0])
})
