import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { type Export, rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { readAccount } from './in_flight.ts'
import { createPostgresWriter } from './postgres.ts'
import { readLedger, readServices, readUsage, readUsageToday } from './read.ts'
import { createProjectionsDatabase, type ProjectionsDatabase } from './testing/projections_database.ts'

let postgres: ProjectionsDatabase
let database: Database
before(async () => {
  postgres = await createProjectionsDatabase()
  database = postgres.database
})
after(() => postgres.close())
afterEach(() => postgres.clear())

async function write(batches: readonly Batch[]): Promise<void> {
  const writer = await createPostgresWriter({ database })
  for (const batch of batches) await writer.write(batch)
  await writer.flush()
  await writer.close()
}

/** Microseconds since 1970 of the hour now. */
const HOUR_MICROS = 3_600_000_000
const thisHour = Math.floor(Date.now() / 3_600_000) * HOUR_MICROS

function events(offset: number, receivedAt: number, changes: Partial<Batch> = {}): Batch {
  const columns = {
    timestamp: ['long', [1n, 1n, 1n]],
    level: ['text', ['INFO', 'ERROR', 'INFO']],
    resource___service___name: ['text', ['cart', 'cart', 'shop']],
    resource___service___version: ['text', [`1.${offset}`, `1.${offset}`, null]],
  } as const
  return batchOf(offset, columns, { receivedAt, receivedBytes: 50, ...changes })
}

it('nothing is read before the sink has ever run', async () => {
  const log = new MemoryLog()
  assert.deepEqual(await readServices(database, 'project'), [])
  assert.deepEqual(await readUsage(database, 'project'), [])
  assert.deepEqual(await readUsageToday(database, Date.now()), [])
  assert.equal((await readLedger(database, 'project')).received, 0)
  assert.deepEqual((await readAccount(database, log, 'project')).ledger, await readLedger(database, 'project'))
})

describe('services', () => {
  it('are read with what they last said, when they were seen, and how fast they send', async () => {
    await write([
      events(0, thisHour - 5 * HOUR_MICROS),
      events(1, thisHour),
      events(2, thisHour + 1, { signal: 'traces' }),
    ])
    const [cart, shop, ...rest] = await readServices(database, 'project')
    assert.equal(rest.length, 0)
    assert.equal(shop.name, 'shop')
    const { eventsPerSecond, errorsPerSecond, ...fields } = cart
    assert.deepEqual(fields, {
      namespace: '',
      name: 'cart',
      version: '1.2',
      sdkName: null,
      sdkLanguage: null,
      sdkVersion: null,
      firstSeen: thisHour - 5 * HOUR_MICROS,
      lastSeen: thisHour + 1,
      logs: 4,
      spans: 2,
      metrics: 0,
      errors: 3,
      owner: null,
      description: null,
    })
    const [{ seconds }] = await database.query<{ seconds: number }>(
      `select extract(epoch from now() - (date_bin('1 hour', now(), timestamptz 'epoch') - interval '1 hour')) as seconds`,
    )
    assert.ok(Math.abs(eventsPerSecond / (4 / seconds) - 1) < 0.05, `${eventsPerSecond} of ${4 / seconds}`)
    assert.equal(errorsPerSecond * 2, eventsPerSecond)
    assert.deepEqual(await readServices(database, 'another'), [])
    assert.equal((await readServices(database, 'project', 1)).length, 1)
  })
})

describe('usage', () => {
  it('is read by signal and hour, the newest first', async () => {
    const hour = 1_767_225_600_000_000
    await write([events(0, hour), events(1, hour + 1), events(2, hour + HOUR_MICROS, { signal: 'metrics' })])
    assert.deepEqual(await readUsage(database, 'project'), [
      { signal: 'metrics', hour: hour + HOUR_MICROS, events: 3, bytes: 50 },
      { signal: 'logs', hour, events: 6, bytes: 100 },
    ])
    assert.deepEqual(await readUsage(database, 'project', 1), [
      { signal: 'metrics', hour: hour + HOUR_MICROS, events: 3, bytes: 50 },
    ])
  })
})

describe('the ledger', () => {
  const outcomes = (entries: Record<string, number>) => ({ outcomes: new Map(Object.entries(entries)) })

  it('balances, for each project and each day', async () => {
    const day = 24 * HOUR_MICROS
    await write([
      events(0, 0, outcomes({ 'dropped:refused': 2, 'dead_letter:malformed': 1 })),
      events(1, day, outcomes({ 'dropped:refused': 1, 'dropped:duplicate_export': 7 })),
      events(2, day, { projectId: 'another' }),
      batchOf(3, {}, outcomes({ 'dead_letter:malformed': 4 })),
    ])
    assert.deepEqual(await readLedger(database, 'project'), {
      received: 21,
      stored: 6,
      dropped: 10,
      deadLettered: 5,
      droppedByReason: { refused: 3, duplicate_export: 7 },
      deadLetteredByCode: { malformed: 5 },
      unaccounted: 0,
    })
    assert.equal((await readLedger(database, 'nobody')).received, 0)
    const days = await database.query(
      `select project_id, day, received, received = stored + dropped + dead_lettered as balances
      from ledger_days order by project_id, day`,
    )
    assert.deepEqual(days.map(Object.values), [
      ['another', '1970-01-02', 3, true],
      ['project', '1970-01-01', 6, true],
      ['project', '1970-01-02', 11, true],
      ['project', '2026-01-01', 4, true],
    ])
    await database.query(
      `update ledger_g${await liveGeneration()} set events = events + 1 where outcome = 'dropped:refused'`,
    )
    assert.equal((await readLedger(database, 'project')).unaccounted, -2, 'a difference shows')
  })

  async function liveGeneration(): Promise<number> {
    const [{ generation }] = await database.query<{ generation: number }>(
      'select generation from generations where live',
    )
    return generation
  }

  it('and what is in flight are together what was received, wherever the sink stands', async () => {
    const log = new MemoryLog()
    await log.createTopics([{ name: telemetryRaw.name, partitions: 2, retentionMs: 1, retentionBytes: null }])
    const sent = { one: 0, two: 0 }
    const batches: Batch[] = []
    for (let at = 0; at < 12; at++) {
      const [partition, offset] = [at % 2, Math.floor(at / 2)]
      const projectId = at % 3 === 0 ? 'one' : 'two'
      const eventCount = at + 2
      sent[projectId] += eventCount
      const part: Export = {
        key: new Uint8Array(16),
        receivedAt: 0,
        contentType: 'application/json',
        body: new Uint8Array(1000),
        eventCount,
        refused: [0, 1],
      }
      const record = { projectId, signal: 'logs' as const, receivedAt: 0, exports: [part] }
      const value = rawRecordCodec.encode(record, 1)
      await log.append([{ topic: telemetryRaw.name, partition, key: null, value, timestamp: 0 }])
      const origin = { log: log.id, topic: telemetryRaw.name, partition, offset, previous: offset - 1 }
      const columns = { body: ['json', new Array(eventCount - 2).fill('1')] } as const
      batches.push(batchOf(offset, columns, { projectId, origin, ...outcomes({ 'dropped:refused': 2 }) }))
    }
    for (let end = 0; end <= batches.length; end += 3) {
      await write(batches.slice(0, end))
      for (const projectId of ['one', 'two'] as const) {
        const { ledger, inFlight, complete } = await readAccount(database, log, projectId)
        assert.equal(complete, true)
        assert.equal(ledger.received + inFlight, sent[projectId], `${projectId} after ${end}`)
        assert.equal(inFlight === 0, end === batches.length)
      }
    }
    await postgres.clear()
    await write([])
    const bounded = await readAccount(database, log, 'two', 2000)
    assert.equal(bounded.complete, false, 'it says so where it did not read all')
    assert.ok(bounded.inFlight > 0 && bounded.inFlight < sent.two)
  })
})
