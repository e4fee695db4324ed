/**
 * What every adapter of the log must do. An adapter's test file calls `describeEventLog` with a way to open one;
 * where two adapters differ under it, one of them is wrong, or this suite is.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { FencedError, OperatorError } from '../errors/errors.ts'
import { fill, joined, position, readAll, record, sequence, text, texts } from '../testing/log_steps.ts'
import { patient } from '../testing/patient_log.ts'
import { describeGrowing } from './growing.conformance.ts'
import type { EventLog, LogRecord, NewRecord, Position, SchemaRegistry } from './log.ts'

export interface OpenedLog {
  /** The present log; another object after `reopen`. */
  readonly log: EventLog & SchemaRegistry
  /** Closes the log and opens it again on what it stored, as a restart does. */
  reopen(): Promise<void>
  /** Closes the log and removes what it stored. */
  close(): Promise<void>
}

const RETENTION = { retentionMs: 7 * 24 * 3_600_000, retentionBytes: null }
const MIB = 2 ** 20

export interface ConformanceOptions {
  /**
   * Connections break, so that every call may fail with a `TransientError`: callers try again. What was stored before
   * an append failed is then there more than once; all that was acknowledged still has to be at its offset, in order.
   */
  readonly unreliable?: boolean
}

/** @param open a new, empty log each time, with segments of at most 1 MB so that trimming can be seen */
export function describeEventLog(
  name: string,
  open: () => Promise<OpenedLog>,
  { unreliable = false }: ConformanceOptions = {},
): void {
  describe(name, () => {
    let opened: OpenedLog
    let topics = 0
    before(async () => {
      const real = await open()
      opened = unreliable ? patiently(real) : real
    })
    after(() => opened.close())

    /** A topic of its own for each test. */
    async function topic(partitions = 1): Promise<string> {
      const topicName = `conformance.t${topics++}.v1`
      await opened.log.createTopics([{ name: topicName, partitions, ...RETENTION }])
      return topicName
    }

    /** Offsets are these and no others; where records may be there twice, they are as many and no smaller. */
    function assertOffsets(offsets: readonly number[], expected: readonly number[]): void {
      if (!unreliable) assert.deepEqual(offsets, expected)
      assert.equal(offsets.length, expected.length)
      for (const [i, offset] of offsets.entries()) assert.ok(offset >= expected[i], `${offset} at ${i}`)
    }

    /** What a partition holds at the offsets that were acknowledged; without failures it holds nothing else. */
    async function readAt(topicName: string, partition: number, offsets: readonly number[]): Promise<LogRecord[]> {
      const records = await readAll(opened.log, topicName, partition)
      const acknowledged = records.filter(({ offset }) => offsets.includes(offset))
      if (!unreliable) assert.deepEqual(acknowledged, records)
      return acknowledged
    }

    describe('append and read', () => {
      test('gives back key, value and timestamp, bit for bit', async () => {
        const { log } = opened
        const t = await topic()
        const records: NewRecord[] = [
          record(t, 'plain'),
          { ...record(t, 'keyed'), key: Buffer.from([0, 255, 1]) },
          { ...record(t, 'empty key'), key: Buffer.alloc(0) },
          { ...record(t, ''), timestamp: 0 },
          { ...record(t, 'no key'), key: null, timestamp: 1_893_456_000_123 },
        ]
        const offsets = await log.append(records)
        assertOffsets(offsets, [0, 1, 2, 3, 4])
        const read = await readAt(t, 0, offsets)
        assert.deepEqual(
          read.map((each) => ({ ...each, key: each.key && Buffer.from(each.key), value: Buffer.from(each.value) })),
          records.map((each, i) => ({ ...each, key: each.key ?? null, offset: offsets[i] })),
        )
      })

      test('appending nothing does nothing', async () => {
        assert.deepEqual(await opened.log.append([]), [])
      })

      test('numbers each partition on its own and returns offsets in the order of the records', async () => {
        const { log } = opened
        const t = await topic(3)
        const partitions = [0, 1, 0, 2, 1, 0]
        const offsets = await log.append(partitions.map((partition, i) => record(t, `r${i}`, partition)))
        assertOffsets(offsets, [0, 0, 1, 0, 1, 2])
        const of = (partition: number) => offsets.filter((_, i) => partitions[i] === partition)
        assert.deepEqual(texts(await readAt(t, 0, of(0))), ['r0', 'r2', 'r5'])
        assert.deepEqual(texts(await readAt(t, 1, of(1))), ['r1', 'r4'])
        assert.deepEqual(texts(await readAt(t, 2, of(2))), ['r3'])
      })

      test('concurrent appends: every offset once, each caller in its own order', async () => {
        const { log } = opened
        const t = await topic(2)
        const callers = Array.from({ length: 20 }, async (_, caller) => {
          const offsets: number[] = []
          for (let i = 0; i < 10; i++) offsets.push(...(await log.append([record(t, `${caller}:${i}`, caller % 2)])))
          return offsets
        })
        const offsets = await Promise.all(callers)
        const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)
        for (const partition of [0, 1]) {
          const mine = offsets.filter((_, caller) => caller % 2 === partition)
          assert.equal(new Set(mine.flat()).size, 100)
          assertOffsets(sorted(mine.flat()), sequence(0, 100))
          for (const each of mine) assert.deepEqual(each, sorted(each))
          for (const { offset, value } of await readAt(t, partition, mine.flat())) {
            const [caller, i] = text(value).split(':').map(Number)
            assert.equal(offsets[caller][i], offset)
          }
        }
      })

      test('appends that do not wait for each other keep their order', async () => {
        const { log } = opened
        const t = await topic()
        const numbers = sequence(0, 50)
        const offsets = await Promise.all(numbers.map((i) => log.append([record(t, `${i}`)])))
        assertOffsets(offsets.flat(), numbers)
        assert.deepEqual(texts(await readAt(t, 0, offsets.flat())), numbers.map(String))
      })

      test('large records: 1 MB and 16 MB', async () => {
        const { log } = opened
        const t = await topic()
        const values = [MIB, 16 * MIB, 10].map((size, i) => Buffer.alloc(size, i + 1))
        for (const value of values) {
          const [offset] = await log.append([{ topic: t, partition: 0, value, timestamp: 1 }])
          const [read] = await log.read(t, 0, offset, { maxBytes: 1, maxRecords: 1 })
          assert.equal(read.offset, offset)
          assert.ok(value.equals(read.value))
        }
      })

      test('many partitions', async () => {
        const { log } = opened
        const t = await topic(64)
        const records = Array.from({ length: 256 }, (_, i) => record(t, `${i}`, i % 64))
        const offsets = await log.append(records)
        for (const partition of [0, 31, 63]) {
          const rounds = [0, 1, 2, 3].map((round) => round * 64 + partition)
          const read = await readAt(
            t,
            partition,
            rounds.map((i) => offsets[i]),
          )
          assert.deepEqual(texts(read), rounds.map(String))
        }
      })

      test('a topic or partition that does not exist is refused, and nothing is stored', async () => {
        const { log } = opened
        const t = await topic()
        await assert.rejects(log.append([record(t, 'a'), record('conformance.none.v1', 'b')]), RangeError)
        await assert.rejects(log.append([record(t, 'a'), record(t, 'b', 1)]), RangeError)
        await assert.rejects(log.read(t, 1, 0, { maxBytes: 1 }), RangeError)
        assert.deepEqual(await log.bounds(t, 0), { partition: 0, begin: 0, end: 0 })
      })
    })

    describe('read limits', () => {
      test('at the end there is nothing, past it and before the beginning is an error', async () => {
        const { log } = opened
        const t = await topic()
        const [offset] = await log.append([record(t, 'a')])
        assert.deepEqual(await log.read(t, 0, offset + 1, { maxBytes: 10 }), [])
        await assert.rejects(log.read(t, 0, offset + 2, { maxBytes: 10 }), RangeError)
        await assert.rejects(log.read(t, 0, -1, { maxBytes: 10 }), RangeError)
      })

      test('at least one record, more only within maxBytes and maxRecords', async () => {
        const { log } = opened
        const t = await topic()
        await log.append(Array.from({ length: 10 }, (_, i) => record(t, `${i}`.padEnd(100))))
        const count = async (maxBytes: number, maxRecords?: number) =>
          (await log.read(t, 0, 0, { maxBytes, maxRecords })).length
        assert.equal(await count(0), 1)
        assert.equal(await count(199), 1)
        assert.equal(await count(200), 2)
        assert.equal(await count(10_000, 3), 3)
        assert.ok((await count(10_000)) >= 1)
      })

      test('bytes read stay as they are while more is appended and read', async () => {
        const { log } = opened
        const t = await topic()
        await log.append([record(t, 'first')])
        const [first] = await log.read(t, 0, 0, { maxBytes: 1 })
        for (let i = 0; i < 20; i++) await log.append([record(t, `later ${i}`)])
        await readAll(log, t, 0)
        assert.equal(text(first.value), 'first')
      })
    })

    describe('waitFor', () => {
      test('resolves at once where the record is there, and when it comes', async () => {
        const { log } = opened
        const t = await topic()
        const { signal } = new AbortController()
        await log.append([record(t, 'a')])
        await log.waitFor(t, 0, 0, signal)
        const waiting = log.waitFor(t, 0, 2, signal).then(() => log.bounds(t, 0))
        await log.append([record(t, 'b')])
        await log.append([record(t, 'c')])
        assert.ok((await waiting).end >= 3)
      })

      test('resolves when the signal aborts, before and during', async () => {
        const { log } = opened
        const t = await topic()
        await log.waitFor(t, 0, 0, AbortSignal.abort())
        const abort = new AbortController()
        const waiting = log.waitFor(t, 0, 0, abort.signal)
        abort.abort()
        await waiting
      })
    })

    describe('offsetAt', () => {
      test('is the first offset with a timestamp at or past the one asked for', async () => {
        const { log } = opened
        const t = await topic()
        assert.equal(await log.offsetAt(t, 0, 5), 0)
        const times = [100, 300, 200, 400]
        const offsets: number[] = []
        for (const timestamp of times) offsets.push(...(await log.append([{ ...record(t, 'x'), timestamp }])))
        assertOffsets(offsets, [0, 1, 2, 3])
        const stored = await readAll(log, t, 0)
        const expected = [
          [0, 0],
          [100, 0],
          [101, 1],
          [250, 1],
          [301, 3],
          [400, 3],
          [401, 4],
        ]
        for (const [timestamp, offset] of expected) {
          const first = stored.find((each) => each.timestamp >= timestamp)?.offset ?? stored.at(-1)!.offset + 1
          assertOffsets([first], [offset])
          assert.equal(await log.offsetAt(t, 0, timestamp), first, `${timestamp}`)
        }
      })
    })

    describe('topics', () => {
      test('are listed with their bounds and size; making one again changes nothing', async () => {
        const { log } = opened
        const t = await topic(2)
        const offsets = await log.append([record(t, 'a', 1), record(t, 'b', 1)])
        assertOffsets(offsets, [0, 1])
        await log.createTopics([{ name: t, partitions: 2, ...RETENTION }])
        const info = (await log.topics()).find((each) => each.name === t)!
        assert.equal(info.partitions, 2)
        assert.equal(info.retentionMs, RETENTION.retentionMs)
        assert.deepEqual(info.bounds, [
          { partition: 0, begin: 0, end: 0 },
          { partition: 1, begin: 0, end: offsets[1] + 1 },
        ])
        assert.ok(info.sizeBytes > 0)
      })

      test('another partition count is refused', async () => {
        const t = await topic(2)
        await assert.rejects(opened.log.createTopics([{ name: t, partitions: 3, ...RETENTION }]), OperatorError)
      })
    })

    describeGrowing(() => opened.log)

    describe('groups', () => {
      test('start with no position, commit, and have it when they join again', async () => {
        const { log } = opened
        const t = await topic(2)
        const first = await joined(log, 'again', [t])
        assert.deepEqual(first.assignments, [
          { topic: t, partition: 0, position: null },
          { topic: t, partition: 1, position: null },
        ])
        await log.append(Array.from({ length: 12 }, (_, i) => record(t, `${i}`, i % 2)))
        const positions: Position[] = [
          { ...position(log, t, 0, 3), reached: { 0: 7, 1: 0, 12: 4 } },
          { ...position(log, t, 1, 5), reached: {} },
        ]
        await first.membership.commit(positions)
        await first.membership.commit([position(log, t, 1, 6)])
        await first.membership.leave()
        const second = await joined(log, 'again', [t])
        assert.deepEqual(
          second.assignments.map((each) => each.position),
          [positions[0], position(log, t, 1, 6)],
        )
        assert.ok(second.membership.generation > first.membership.generation)
        assert.deepEqual(await log.positions('again'), [positions[0], position(log, t, 1, 6)])
        assert.ok((await log.groups()).includes('again'))
        await second.membership.leave()
      })

      test('a member that was overtaken is fenced, and none of its positions count', async () => {
        const { log } = opened
        const t = await topic(2)
        await log.append([record(t, 'a'), record(t, 'b'), record(t, 'c', 1)])
        const old = await joined(log, 'fenced', [t])
        await old.membership.commit([position(log, t, 0, 1)])
        const young = await joined(log, 'fenced', [t])
        await assert.rejects(old.membership.commit([position(log, t, 0, 2), position(log, t, 1, 1)]), FencedError)
        assert.deepEqual(await log.positions('fenced'), [position(log, t, 0, 1)])
        await young.membership.leave()
      })

      test('a member that has left is fenced', async () => {
        const { log } = opened
        const t = await topic()
        await log.append([record(t, 'a')])
        const { membership } = await joined(log, 'left', [t])
        await membership.leave()
        await assert.rejects(membership.commit([position(log, t, 0, 1)]), FencedError)
      })

      test('a deleted group has no positions', async () => {
        const { log } = opened
        const t = await topic()
        await log.append([record(t, 'a')])
        const { membership } = await joined(log, 'deleted', [t])
        await membership.commit([position(log, t, 0, 1)])
        await membership.leave()
        await log.deleteGroup('deleted')
        assert.deepEqual(await log.positions('deleted'), [])
        assert.ok(!(await log.groups()).includes('deleted'))
      })

      test('many commits at once all count', async () => {
        const { log } = opened
        const t = await topic(32)
        await log.append(Array.from({ length: 96 }, (_, i) => record(t, `${i}`, i % 32)))
        const { membership } = await joined(log, 'many', [t])
        await Promise.all(sequence(0, 32).map((p) => membership.commit([position(log, t, p, 1 + (p % 3))])))
        const offsets = (await log.positions('many')).map(({ offset }) => offset)
        assert.deepEqual(
          offsets,
          sequence(0, 32).map((p) => 1 + (p % 3)),
        )
        await membership.leave()
      })
    })

    describe('trim', () => {
      test('drops old records, never those asked to stay, and what is left can be read', async () => {
        const { log } = opened
        const t = await topic()
        const last = await fill(log, t, 40)
        await log.trim(t, 0, 30)
        const { begin, end } = await log.bounds(t, 0)
        assert.ok(begin > 0 && begin <= 30, `begin ${begin}`)
        assert.equal(end, last + 1)
        assertOffsets([last], [39])
        await assert.rejects(log.read(t, 0, begin - 1, { maxBytes: 1 }), RangeError)
        assert.deepEqual(
          (await readAll(log, t, 0, begin)).map(({ offset }) => offset),
          sequence(begin, end),
        )
      })

      test('never goes past the slowest group', async () => {
        const { log } = opened
        const t = await topic()
        await fill(log, t, 40)
        for (const [group, offset] of [
          ['fast', 40],
          ['slow', 15],
        ] as const) {
          const { membership } = await joined(log, group, [t])
          await membership.commit([position(log, t, 0, offset)])
          await membership.leave()
        }
        await log.trim(t, 0, 40)
        assert.ok((await log.bounds(t, 0)).begin <= 15)
        await log.deleteGroup('slow')
        await log.trim(t, 0, 40)
        assert.ok((await log.bounds(t, 0)).begin > 15)
        await log.deleteGroup('fast')
      })
    })

    describe('schemas', () => {
      test('the same schema has the same id, another another', async () => {
        const { log } = opened
        const first = await log.register('a-value', '{"type":"string"}')
        assert.equal(await log.register('a-value', '{"type":"string"}'), first)
        assert.equal(await log.register('b-value', '{"type":"string"}'), first)
        const second = await log
          .register('a-value', '{"type":"long"}')
          .catch(() => log.register('c-value', '{"type":"long"}'))
        assert.notEqual(second, first)
        assert.deepEqual(JSON.parse(await log.schema(first)), { type: 'string' })
        assert.deepEqual(JSON.parse(await log.schema(second)), { type: 'long' })
        await assert.rejects(log.schema(1_000_000), RangeError)
      })
    })

    describe('after a restart', () => {
      test('everything is as it was, and goes on', async () => {
        const t = await topic(2)
        await fill(opened.log, t, 30)
        const before = await readAll(opened.log, t, 0)
        const { membership } = await joined(opened.log, 'restarted', [t])
        await membership.commit([position(opened.log, t, 0, 7)])
        const schemaId = await opened.log.register('restart-value', '"string"')
        const { id } = opened.log

        await opened.reopen()

        const { log } = opened
        assert.equal(log.id, id)
        assert.deepEqual(await readAll(log, t, 0), before)
        assert.deepEqual(await log.positions('restarted'), [position(log, t, 0, 7)])
        assert.deepEqual(JSON.parse(await log.schema(schemaId)), 'string')
        assertOffsets(await log.append([record(t, 'next'), record(t, 'other', 1)]), [30, 0])
        const again = await joined(log, 'restarted', [t])
        assert.ok(again.membership.generation > membership.generation)
        await again.membership.leave()
      })
    })
  })
}

function patiently(real: OpenedLog): OpenedLog {
  return {
    get log() {
      return patient(real.log)
    },
    reopen: () => real.reopen(),
    close: () => real.close(),
  }
}
