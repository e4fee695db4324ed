/** What becomes of dead letters that are treated again or given up: every event once, and the ledger says so. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { NewRecord } from '#pipeline/log/log.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { until } from '#pipeline/testing/until.ts'
import type { DeadLetterFilter, Decision } from '#schemas/dead_letters.ts'
import { rawExport } from '#schemas/otlp/testing/raw.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { readLedger } from '#sinks/postgres/read.ts'
import { createProjectionsDatabase, type ProjectionsDatabase } from '#sinks/postgres/testing/projections_database.ts'
import { createWorld, logs, SHOP, type World } from './testing/world.ts'

const shop = { projectId: SHOP, unreadable: false }

/** Loses its answer, or does nothing, as often as it is told, where a decision is appended. */
class MoodyLog extends MemoryLog {
  failures = 0
  lostAnswers = 0
  override async append(records: readonly NewRecord[]) {
    const isDecision = records.some(({ topic, value, partition }) => {
      if (topic !== telemetryRaw.name) return false
      const place = { log: this.id, topic, partition, offset: 0, previous: -1 }
      return telemetryRaw.codec.decode(value, place).decision !== undefined
    })
    if (isDecision && this.failures > 0) {
      this.failures--
      throw new TransientError('the disk is full')
    }
    const offsets = await super.append(records)
    if (isDecision && this.lostAnswers > 0) {
      this.lostAnswers--
      throw new TransientError('the answer was lost')
    }
    return offsets
  }
}

let postgres: ProjectionsDatabase
let log: MoodyLog
let world: World
before(async () => {
  postgres = await createProjectionsDatabase()
})
after(() => postgres.close())
beforeEach(async () => {
  log = new MoodyLog()
  world = await createWorld(postgres.database, log)
})
afterEach(async () => {
  await world.close()
  await postgres.clear()
})

const decide = (decision: Decision, filter: Omit<DeadLetterFilter, 'state'> = {}) =>
  postgres.database.transaction((transaction) => world.deadLetters.decide(transaction, shop, filter, decision))

const openEvents = async () => {
  const groups = await world.deadLetters.groups(shop, { state: 'open' }, { limit: 100 })
  return groups.reduce((sum, { events }) => sum + events, 0)
}

/** Waits until nothing that was decided waits, and all of it has come through. */
async function carriedOut(): Promise<void> {
  await until(async () => {
    const [{ left }] = await postgres.database.query<{ left: number }>(
      'select count(*) as left from dead_letters where pending_from is not null',
    )
    return left === 0
  })
  await world.settled()
}

async function ledger(): Promise<Record<string, unknown>> {
  let found = await readLedger(postgres.database, SHOP)
  // The sink's reader knows it a moment before its transaction is seen.
  await until(async () => {
    found = await readLedger(postgres.database, SHOP)
    return found.unaccounted === 0
  })
  const { received, stored, dropped, droppedByReason, deadLetteredByCode } = found
  const dead = Object.entries(deadLetteredByCode).filter(([, events]) => events !== 0)
  return { received, stored, dropped, droppedByReason, dead: Object.fromEntries(dead) }
}

const names = () => [...world.stored.values()].toSorted()

describe('requeueing', () => {
  it('treats again what failed, from the stage on that could not: each event is stored once, under the id it had', async () => {
    world.bad.stage = new Set(['x', 'y'])
    await world.send(['a', 'x', 'b', 'y', 'c'])
    await world.settled()
    assert.deepEqual(names(), ['a', 'b', 'c'])
    const rows = (await world.deadLetters.rows(shop, { state: 'open' }, { limit: 9, raw: false })).rows
    assert.deepEqual(await ledger(), {
      ...{ received: 5, stored: 3, dropped: 0, droppedByReason: {} },
      dead: { condemned: 2 },
    })
    world.bad.stage.clear()
    assert.deepEqual(await decide('requeue'), { events: 2, records: 1, refused: [] })
    await carriedOut()
    assert.deepEqual(names(), ['a', 'b', 'c', 'x', 'y'])
    for (const { eventId, event } of rows) assert.equal(world.stored.get(eventId!), event.name)
    assert.deepEqual(world.twice, [])
    assert.deepEqual([world.judged.get('a'), world.judged.get('x')], [1, 2], 'siblings are not treated again')
    assert.equal(await openEvents(), 0)
    assert.deepEqual(await ledger(), {
      ...{ received: 5, stored: 5, dropped: 0, droppedByReason: {} },
      dead: {},
    })
  })

  it('takes what nobody has looked at yet, and leaves nothing out where its transaction fails', async () => {
    world.bad.stage = new Set(['x'])
    await world.send(['a', 'x'])
    await world.settled()
    world.bad.stage.clear()
    const failing = postgres.database.transaction(async (transaction) => {
      assert.equal((await world.deadLetters.decide(transaction, shop, {}, 'requeue')).events, 1)
      throw new Error('changed their mind')
    })
    await assert.rejects(failing, /changed their mind/)
    assert.deepEqual(await decide('requeue', { code: 'condemned' }), { events: 1, records: 1, refused: [] })
    await carriedOut()
    assert.deepEqual(names(), ['a', 'x'])
  })

  it('that fails again makes them dead letters again, counted once', async () => {
    world.bad.stage = new Set(['x', 'y'])
    await world.send(['a', 'x', 'y'])
    await world.settled()
    await openEvents()
    world.bad.stage = new Set(['x'])
    await decide('requeue')
    await carriedOut()
    assert.deepEqual(names(), ['a', 'y'])
    assert.equal(await openEvents(), 1)
    const expected = { received: 3, stored: 2, dropped: 0, droppedByReason: {}, dead: { condemned: 1 } }
    assert.deepEqual(await ledger(), expected)
    world.bad.stage.clear()
    await decide('requeue')
    await carriedOut()
    assert.deepEqual(names(), ['a', 'x', 'y'])
    assert.deepEqual(world.twice, [])
    assert.deepEqual(await ledger(), { ...expected, stored: 3, dead: {} })
  })

  it('is of one’s own project only', async () => {
    world.bad.stage = new Set(['x'])
    await world.send(['x'], '00000000-0000-4000-8000-00000000000a')
    await world.settled()
    await openEvents()
    assert.deepEqual(await decide('requeue'), { events: 0, records: 0, refused: [] })
    assert.deepEqual(await decide('discard'), { events: 0, records: 0, refused: [] })
  })

  it('is of what is asked for only', async () => {
    world.bad.stage = new Set(['x', 'y'])
    await world.send(['x', 'y'])
    await world.settled()
    const groups = await world.deadLetters.groups(shop, { state: 'open' }, { limit: 9 })
    world.bad.stage.clear()
    const { cause } = groups.find(({ example }) => example.startsWith('y'))!
    await decide('requeue', { cause })
    await carriedOut()
    assert.deepEqual(names(), ['y'])
    assert.equal(await openEvents(), 1)
  })

  it('pressed by two at once, or again and again, happens once', async () => {
    world.bad.stage = new Set(['x'])
    for (let record = 0; record < 5; record++) await world.send(['a', 'x'])
    await world.settled()
    assert.equal(await openEvents(), 5)
    world.bad.stage.clear()
    const answers = await Promise.all([decide('requeue'), decide('requeue'), decide('discard'), decide('requeue')])
    assert.deepEqual(answers.map(({ events }) => events).toSorted(), [0, 0, 0, 5])
    await carriedOut()
    assert.deepEqual(world.twice, [])
    const wasDiscarded = answers[2].events === 5
    assert.equal(names().length, wasDiscarded ? 5 : 10)
  })

  for (const [what, fail] of [
    ['before it was appended', () => (log.failures = 2)],
    ['after it was appended', () => (log.lostAnswers = 2)],
  ] as const) {
    it(`that is cut off ${what} happens once`, async () => {
      world.bad.stage = new Set(['x', 'y', 'z'])
      await world.send(['a', 'x'])
      await world.send(['y', 'z'])
      await world.settled()
      assert.equal(await openEvents(), 3)
      world.bad.stage.clear()
      fail()
      await decide('requeue')
      // Whoever comes next: another process, or this one started again.
      await until(() => log.failures === 0 && log.lostAnswers < 2)
      await until(async () => {
        await decide('requeue')
        const [{ left }] = await postgres.database.query<{ left: number }>(
          'select count(*) as left from dead_letters where pending_from is not null',
        )
        return left === 0
      })
      log.lostAnswers = 0
      await carriedOut()
      assert.deepEqual(names(), ['a', 'x', 'y', 'z'])
      assert.deepEqual(world.twice, [])
      assert.deepEqual((await ledger()).dead, {})
    })
  }

  it('of a malformed event reads its export again, and that one event of it', async () => {
    const good = rawExport(logs(['a', 'b']), 'logs', 1)
    // Its last event breaks off.
    const whole = rawExport(logs(['c', 'd']), 'logs', 2)
    const offset = await world.sendExports([good, { ...whole, body: whole.body.subarray(0, -1) }])
    await world.settled()
    const { rows } = await world.deadLetters.rows(shop, { state: 'open' }, { limit: 9, raw: false })
    assert.ok(rows.length > 0 && rows.every(({ stage, code }) => stage === 'normalize' && code === 'malformed'))
    const before = names()
    await decide('requeue')
    await carriedOut()
    // As malformed as before: nothing is stored, nothing counted twice, and what is good stays there once.
    assert.deepEqual(names(), before)
    assert.deepEqual(world.twice, [])
    const again = (await world.deadLetters.rows(shop, { state: 'open' }, { limit: 9, raw: false })).rows
    assert.deepEqual(
      again.map(({ raw, eventId }) => [raw.offset, raw.position, eventId]),
      rows.map(({ raw, eventId }) => [raw.offset, raw.position, eventId]),
    )
    assert.deepEqual(
      again.map(({ raw }) => raw.offset === offset),
      rows.map(() => true),
    )
    assert.deepEqual((await ledger()).dead, { malformed: rows.length })
  })

  it('of what a sink refused gives it to that sink only', async () => {
    world.bad.sink = new Set(['x'])
    await world.send(['x', 'y'])
    await world.settled()
    assert.deepEqual(names(), [])
    assert.equal(await openEvents(), 2)
    await decide('requeue')
    await carriedOut()
    assert.equal(await openEvents(), 2, 'the sink would refuse it again: it stays as it is')
    world.bad.sink.clear()
    await decide('requeue')
    await carriedOut()
    assert.deepEqual(names(), ['x', 'y'])
    const [{ logs: counted }] = await postgres.database.query<{ logs: number }>(
      'select sum(logs) as logs from services',
    )
    assert.equal(counted, 2, 'PostgreSQL had them already')
  })

  it('is refused where the stage is gone, or what was received is', async () => {
    world.bad.stage = new Set(['x'])
    await world.send(['x'])
    await world.settled()
    assert.equal(await openEvents(), 1)
    await postgres.database.query(`update dead_letters set stage = 'gone'`)
    const { events, refused } = await decide('requeue')
    assert.deepEqual([events, refused[0].events], [0, 1])
    assert.match(refused[0].reason, /the stage is not there any more.*normalize, judge/)
    await postgres.database.query(`update dead_letters set stage = 'normalize', raw_offset = -1`)
    assert.match((await decide('requeue')).refused[0].reason, /not kept any more/)
    assert.equal((await decide('discard')).events, 1)
    await carriedOut()
  })
})

describe('discarding', () => {
  it('counts them as dropped', async () => {
    world.bad.stage = new Set(['x'])
    await world.send(['a', 'x', 'x'])
    await world.settled()
    assert.equal(await openEvents(), 2)
    assert.deepEqual(await decide('discard'), { events: 2, records: 1, refused: [] })
    await carriedOut()
    assert.deepEqual([await openEvents(), names()], [0, ['a']])
    assert.deepEqual(await ledger(), {
      ...{ received: 3, stored: 1, dropped: 2, droppedByReason: { discarded: 2 } },
      dead: {},
    })
    const [{ events }] = await world.deadLetters.groups(shop, { state: 'discarded' }, { limit: 9 })
    assert.equal(events, 2)
  })
})
