/** Several processes' worth of members share the partitions of a topic, come and go under load, and lose or repeat nothing. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { FencedError, TransientError } from '../../errors/errors.ts'
import { joined, position, record, sequence } from '../../testing/log_steps.ts'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import { until } from '../../testing/until.ts'
import type { Assignment, EventLog, Membership } from '../log.ts'
import { createKafkaLog, type OpenKafkaLog } from './kafka.ts'
import { type Services, startServices } from './testing.ts'

const PARTITIONS = 8
const RETENTION = { retentionMs: 7 * 24 * 3_600_000, retentionBytes: null }

/** A stretch of a partition that was committed under one membership. */
interface Done {
  readonly partition: number
  readonly from: number
  readonly to: number
  readonly member: string
  readonly generation: number
}

/** Reads what it is assigned, commits as it goes; what is in flight when partitions go is committed first. */
class Worker {
  readonly done: Done[]
  readonly name: string
  readonly generations: number[] = []
  assigned: readonly number[] = []
  fenced = 0
  readonly #log: EventLog
  #stop = new AbortController()
  #loops: Promise<void>[] = []
  #membership: Membership | null = null

  constructor(name: string, log: EventLog, done: Done[]) {
    this.name = name
    this.done = done
    this.#log = log
  }

  async join(group: string, topic: string): Promise<void> {
    this.#membership = await this.#log.join(group, [topic], {
      assigned: (assignments, membership) => {
        this.assigned = assignments.map(({ partition }) => partition)
        this.generations.push(membership.generation)
        this.#stop = new AbortController()
        this.#loops = assignments.map((assignment) => this.#work(assignment, membership, this.#stop.signal))
      },
      revoked: async () => {
        this.#stop.abort()
        await Promise.all(this.#loops)
        this.assigned = []
      },
    })
  }

  async leave(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    await this.#membership!.leave()
    this.assigned = []
  }

  async #work({ topic, partition, position: start }: Assignment, membership: Membership, signal: AbortSignal) {
    for (let from = start?.offset ?? 0; !signal.aborted; ) {
      await this.#log.waitFor(topic, partition, from, signal)
      if (signal.aborted) return
      const page = await this.#log.read(topic, partition, from, { maxBytes: 2_000 })
      if (page.length === 0) continue
      const to = page.at(-1)!.offset + 1
      try {
        await membership.commit([position(this.#log, topic, partition, to)])
      } catch (error) {
        if (error instanceof TransientError) continue
        if (!(error instanceof FencedError)) throw error
        this.fenced++
        return
      }
      this.done.push({ partition, from, to, member: this.name, generation: membership.generation })
      from = to
    }
  }
}

describe('members of a group', { skip: servicesMissing() }, () => {
  let services: Services
  const logs: OpenKafkaLog[] = []
  before(async () => {
    services = await startServices()
  })
  after(async () => {
    await Promise.all(logs.map((log) => log.close()))
    await services.close()
  })

  /** A log as another process has it. */
  async function open(options = {}): Promise<OpenKafkaLog> {
    const log = await createKafkaLog({ ...services.options, ...options })
    logs.push(log)
    return log
  }

  async function topic(name: string, partitions = PARTITIONS): Promise<string> {
    await logs[0].createTopics([{ name, partitions, ...RETENTION }])
    return name
  }

  test('two, then four, then three share eight partitions under load: each offset is done once', async () => {
    const producer = await open()
    const t = await topic('shared.v1')
    const ends = new Array<number>(PARTITIONS).fill(0)
    const stop = new AbortController()
    const load = (async () => {
      for (let i = 0; !stop.signal.aborted; i++) {
        const offsets = await producer.append(sequence(0, PARTITIONS).map((p) => record(t, `${i}`.padEnd(100), p)))
        for (const [partition, offset] of offsets.entries()) ends[partition] = offset + 1
      }
    })()
    const done: Done[] = []
    const workers = await Promise.all([0, 1, 2, 3].map(async (i) => new Worker(`w${i}`, await open(), done)))
    const shared = (members: readonly Worker[]) => {
      const all = members.flatMap(({ assigned }) => assigned).sort((a, b) => a - b)
      const sizes = members.map(({ assigned }) => assigned.length)
      const even = Math.max(...sizes) - Math.min(...sizes) <= 1
      return even && JSON.stringify(all) === JSON.stringify(sequence(0, PARTITIONS))
    }
    const progress = async (count: number) => {
      const before = done.length
      await until(() => done.length > before + count)
    }

    await Promise.all(workers.slice(0, 2).map((worker) => worker.join('shared', t)))
    await until(() => shared(workers.slice(0, 2)))
    await progress(50)
    await workers[2].join('shared', t)
    await workers[3].join('shared', t)
    await until(() => shared(workers))
    await progress(50)
    await workers[0].leave()
    await until(() => shared(workers.slice(1)))
    await progress(50)
    stop.abort()
    await load
    const committed = async () => (await producer.positions('shared')).map(({ offset }) => offset)
    await until(async () => JSON.stringify(await committed()) === JSON.stringify(ends))
    for (const worker of workers.slice(1)) await worker.leave()

    for (const partition of sequence(0, PARTITIONS)) {
      let at = 0
      for (const { from, to } of done.filter((each) => each.partition === partition)) {
        assert.equal(from, at, `partition ${partition}`)
        at = to
      }
      assert.equal(at, ends[partition])
    }
    // What was in flight was committed before the partitions went, so nobody did anything in vain.
    assert.deepEqual(
      workers.map(({ fenced }) => fenced),
      [0, 0, 0, 0],
    )
    for (const { generations } of workers) {
      assert.deepEqual(
        generations,
        [...new Set(generations)].sort((a, b) => a - b),
      )
    }
    assert.ok(workers.every(({ name }) => done.some(({ member }) => member === name)))
  })

  test('who does not let go in time is fenced, and the others go on', async () => {
    const log = await open()
    const t = await topic('stuck.v1', 2)
    await log.append([record(t, 'a'), record(t, 'b', 1)])
    const stuckLog = await open({ rebalanceTimeoutMs: 4_000 })
    const assigned = Promise.withResolvers<Membership>()
    let revocations = 0
    const never = new Promise<void>(() => {})
    await stuckLog.join('stuck', [t], {
      assigned: (_assignments, membership) => assigned.resolve(membership),
      revoked: () => {
        revocations++
        return never
      },
    })
    const old = await assigned.promise
    const other = await joined(await open(), 'stuck', [t])
    assert.equal(revocations, 1)
    await assert.rejects(old.commit([position(log, t, 0, 1)]), FencedError)
    const [{ partition }] = other.assignments
    await other.membership.commit([position(log, t, partition, 1)])
    assert.deepEqual(await log.positions('stuck'), [position(log, t, partition, 1)])
  })

  test('what is committed while partitions go counts: whoever is next begins there', async () => {
    const log = await open()
    const t = await topic('handed.v1', 1)
    await log.append([record(t, 'a'), record(t, 'b')])
    const assigned: { readonly assignments: readonly Assignment[]; readonly membership: Membership }[] = []
    await (await open()).join('handed', [t], {
      assigned: (assignments, membership) => assigned.push({ assignments, membership }),
      revoked: () => assigned[0].membership.commit([position(log, t, 0, 2)]),
    })
    await joined(await open(), 'handed', [t])
    await until(() => assigned.length === 2)
    // Of two members of one partition the one that has it keeps it.
    assert.deepEqual(assigned[1].assignments, [{ topic: t, partition: 0, position: position(log, t, 0, 2) }])
    assert.ok(assigned[1].membership.generation > assigned[0].membership.generation)
    await assert.rejects(assigned[0].membership.commit([position(log, t, 0, 1)]), FencedError)
    await assigned[1].membership.commit([position(log, t, 0, 1)])
  })

  test('generations go on ascending when Kafka has forgotten the group', async () => {
    const log = await open()
    const t = await topic('forgotten.v1', 1)
    const first = await joined(log, 'forgotten', [t])
    await first.membership.leave()
    await log.deleteGroup('forgotten')
    const second = await joined(log, 'forgotten', [t])
    assert.ok(second.membership.generation > first.membership.generation)
    await second.membership.leave()
  })
})
