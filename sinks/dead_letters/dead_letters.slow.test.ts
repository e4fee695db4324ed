/** Dead letters of the real topology, on a real PostgreSQL. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { DeadLetterFilter } from '#schemas/dead_letters.ts'
import { rawExport } from '#schemas/otlp/testing/raw.ts'
import { createProjectionsDatabase, type ProjectionsDatabase } from '#sinks/postgres/testing/projections_database.ts'
import { createWorld, logs, SHOP, type World } from './testing/world.ts'

const OPEN: DeadLetterFilter = { state: 'open' }
const shop = { projectId: SHOP, unreadable: false }
const page = { limit: 100, raw: false }

let postgres: ProjectionsDatabase
let world: World
before(async () => {
  postgres = await createProjectionsDatabase()
})
after(() => postgres.close())
beforeEach(async () => {
  world = await createWorld(postgres.database)
})
afterEach(async () => {
  await world.close()
  await postgres.clear()
})

describe('the list', () => {
  it('groups by cause, numbers masked, with how many and when', async () => {
    world.bad.stage = new Set(['x 1', 'x 2', 'y'])
    await world.send(['a', 'x 1', 'b', 'x 2'])
    await world.send(['x 1', 'y'])
    await world.settled()
    const groups = await world.deadLetters.groups(shop, OPEN, { limit: 10 })
    const told = groups.map(({ topic, stage, code, detail, events, records }) => [
      topic,
      stage,
      code,
      detail,
      events,
      records,
    ])
    assert.deepEqual(told.toSorted(), [
      ['telemetry.judge.in.v1', 'judge', 'condemned', 'x #: guilty on # counts', 3, 2],
      ['telemetry.judge.in.v1', 'judge', 'condemned', 'y: guilty on # counts', 1, 1],
    ])
    assert.match(groups.find(({ events }) => events === 3)!.example, /^x [12]: guilty on 3 counts$/)
    assert.ok(groups.every(({ firstSeen, lastSeen }) => firstSeen <= lastSeen && firstSeen > 0))
    assert.match(groups[0].versions[0], /^\d+\.\d+\.\d+/)
  })

  it('goes on from a cursor, and keeps to what is asked for', async () => {
    world.bad.stage = new Set(['p', 'q', 'r'])
    await world.send(['p', 'q', 'r'])
    await world.settled()
    const [first] = await world.deadLetters.groups(shop, OPEN, { limit: 1 })
    const rest = await world.deadLetters.groups(shop, OPEN, { limit: 10, after: first })
    assert.equal(rest.length, 2)
    assert.ok(rest.every(({ cause }) => cause !== first.cause))
    const count = async (filter: Partial<DeadLetterFilter>) =>
      (await world.deadLetters.groups(shop, { ...OPEN, ...filter }, { limit: 10 })).length
    assert.deepEqual(
      [
        await count({ cause: first.cause }),
        await count({ code: 'condemned' }),
        await count({ code: 'other' }),
        await count({ stage: 'judge', topic: 'telemetry.judge.in.v1' }),
        await count({ stage: 'normalize' }),
        await count({ from: first.firstSeen, to: first.firstSeen + 1 }),
        await count({ to: first.firstSeen }),
        await count({ state: 'discarded' }),
      ],
      [1, 3, 0, 3, 0, 3, 0, 0],
    )
  })

  it('shows a project its own only', async () => {
    world.bad.stage = new Set(['x'])
    const other = randomUUID()
    await world.send(['x', 'x'], other)
    await world.settled()
    assert.deepEqual(await world.deadLetters.groups(shop, OPEN, { limit: 10 }), [])
    assert.deepEqual((await world.deadLetters.rows(shop, OPEN, page)).rows, [])
    const [group] = await world.deadLetters.groups({ projectId: other, unreadable: false }, OPEN, { limit: 10 })
    assert.equal(group.events, 2)
  })
})

describe('a row', () => {
  it('says what failed where, and where it came from down to the bytes received', async () => {
    world.bad.stage = new Set(['x'])
    const first = rawExport(logs(['a', 'b']), 'logs', 1)
    const second = rawExport(logs(['c', 'x']), 'logs', 2)
    const offset = await world.sendExports([first, second])
    await world.settled()
    const { rows, next } = await world.deadLetters.rows(shop, OPEN, { ...page, raw: true })
    assert.equal(next, null)
    const [{ event, raw, origin, rawExport: from, eventId, ...row }] = rows
    assert.deepEqual(
      [row.topic, row.stage, row.code, row.detail, row.signal, row.bytes, event.name],
      ['telemetry.judge.in.v1', 'judge', 'condemned', 'x: guilty on 3 counts', 'logs', null, 'x'],
    )
    assert.deepEqual([origin.topic, origin.offset, raw.offset, raw.position], ['telemetry.raw.v1', offset, offset, 3])
    assert.deepEqual(Buffer.from(from!.body.base64, 'base64'), Buffer.from(second.body))
    assert.equal(eventId, [...world.stored.keys()].find((id) => world.stored.get(id) === 'c')!.replace(/2$/, '3'))
  })

  it('of many comes page by page, each once', async () => {
    world.bad.stage = new Set(['x'])
    for (let record = 0; record < 3; record++) await world.send(['x', 'x', 'x'])
    await world.settled()
    const seen: string[] = []
    let after: { entry: number; row: number } | undefined
    do {
      const { rows, next } = await world.deadLetters.rows(shop, OPEN, { limit: 2, raw: false, after })
      seen.push(...rows.map(({ id }) => id))
      after = next ?? undefined
    } while (after !== undefined)
    assert.deepEqual([seen.length, new Set(seen).size], [9, 9])
  })
})
