/** What is asked of replays, and refused, with the catalogue of a real PostgreSQL; the log in memory. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { defineStage } from '#pipeline/stage/stage.ts'
import { jsonState, stateful } from '#pipeline/stage/stateful.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { batchTopic, sourceTopic } from '#pipeline/testing/samples.ts'
import { until } from '#pipeline/testing/until.ts'
import { defineTopology, type Topology } from '#pipeline/topology/topology.ts'
import type { Replays } from '#schemas/replays.ts'
import { lakeGroup } from '../lake/paths.ts'
import { listCatalogue, moveGeneration, readReached, saveReached } from '../postgres/catalogue.ts'
import { dropGeneration, prepareProjections, swapGeneration } from '../postgres/generations.ts'
import { TELEMETRY_PROJECTIONS } from '../postgres/telemetry_projections.ts'
import { createProjectionsDatabase, type ProjectionsDatabase } from '../postgres/testing/projections_database.ts'
import { usage } from '../postgres/usage.ts'
import { createReplays } from './replays.ts'

const raw = sourceTopic('test.raw.v1')
const events = batchTopic('test.events.v1')
const pass = defineStage({ name: 'pass', consumes: raw, produces: events, build: () => (batches) => batches })
const counting = defineStage({
  name: 'counting',
  consumes: raw,
  produces: events,
  build: (_, context) =>
    stateful(context, { initial: () => 0, snapshot: jsonState<number>(), step: (_count, batch) => batch }),
})

let postgres: ProjectionsDatabase
let database: Database
before(async () => {
  postgres = await createProjectionsDatabase()
  database = postgres.database
})
after(() => postgres.close())
afterEach(() => postgres.clear())

const live = { generation: 1, follow() {}, refresh: async () => {}, close: async () => {} }

interface World {
  readonly log: MemoryLog
  readonly replays: Replays
}

/** Ten records, received a second apart from 1970 on; the live lake stands behind the first eight. */
async function world(topology: Topology = defineTopology('test', [pass]), otherLogs: string[] = []): Promise<World> {
  const log = new MemoryLog()
  const spec = { partitions: 1, retentionMs: 1e12, retentionBytes: null }
  await log.createTopics([raw, events].map(({ name }) => ({ ...spec, name })))
  for (let at = 0; at < 10; at++) {
    await log.append([{ topic: raw.name, partition: 0, value: Buffer.from('x'), timestamp: at * 1000 }])
  }
  const membership = await log.join(lakeGroup(1), [events.name], { assigned() {}, revoked() {} })
  await membership.commit([{ topic: events.name, partition: 0, offset: 0, reached: { 0: 7 }, log: log.id }])
  await prepareProjections(database, TELEMETRY_PROJECTIONS)
  const options = { database, topology, log, source: log, live, projections: TELEMETRY_PROJECTIONS }
  return { log, replays: createReplays({ ...options, otherLogs: async () => otherLogs, waitMs: 2_000 }) }
}

const beginning = { beginWith: { kind: 'beginning' }, acceptMissing: false } as const

const refuses = (asked: Promise<unknown>, sentence: RegExp) =>
  assert.rejects(asked, (error: Error) => error instanceof OperatorError && sentence.test(error.message))

describe('a replay', () => {
  it('from the beginning has a lake and projections of its own', async () => {
    const { replays } = await world()
    const { generation, state, lake, projections } = await replays.start(beginning)
    assert.deepEqual([state, lake, projections], ['running', generation, generation])
    const [made] = await listCatalogue(database)
    assert.deepEqual([made.beginOffsets, made.carriedTo], [[0], null])
    assert.match(made.stages!, /^[0-9a-f]{16}$/)
  })

  it('from a time or an offset goes on with the live projections, and begins where the live lake has what is before', async () => {
    const { replays } = await world()
    for (const [beginWith, offset] of [
      [{ kind: 'time', timeMs: 4_500 }, 5],
      [{ kind: 'offset', offset: 3 }, 3],
      [{ kind: 'offset', offset: 10 }, 8],
    ] as const) {
      const { generation, lake, projections } = await replays.start({ beginWith, acceptMissing: false })
      const [made, first] = await listCatalogue(database)
      assert.deepEqual([lake, projections], [generation, first.generation])
      assert.deepEqual([made.beginOffsets, made.carriedTo], [[offset], [7]])
      await dropGeneration(database, generation)
    }
    assert.equal((await database.query("select 1 from pg_tables where tablename like 'usage_g%'")).length, 1)
    await refuses(replays.start({ beginWith: { kind: 'offset', offset: 11 }, acceptMissing: false }), /0 to 10, not 11/)
  })

  it('is one at a time', async () => {
    const { replays } = await world()
    const { generation } = await replays.start(beginning)
    await refuses(replays.start(beginning), new RegExp(`generation ${generation} is under way`))
    await moveGeneration(database, generation, ['running'], 'failed', 'a bug')
    await replays.start(beginning)
  })

  it('of what the log does not hold any more needs consent, and keeps the projections', async () => {
    const { log, replays } = await world(undefined, ['another-log'])
    await log.trim(raw.name, 0, 4)
    const missing = await replays.missing({ kind: 'beginning' })
    assert.match(missing[0], /^what became of the 4 records before offset 4 .* received before 1970-01-01T00:00:04/)
    assert.match(missing[1], /another log \(another-log\)/)
    await refuses(replays.start(beginning), /without what became of the 4 records.*--accept-missing/)
    const { projections } = await replays.start({ ...beginning, acceptMissing: true })
    const [made, first] = await listCatalogue(database)
    assert.deepEqual([made.beginOffsets, projections], [[4], first.generation])
  })

  it('of what the log does not hold any more makes projections anew where the live ones are of another version', async () => {
    const { log, replays } = await world()
    await log.trim(raw.name, 0, 4)
    await database.query(`update generations set definition = '[]' where live`)
    const { generation, projections } = await replays.start({ ...beginning, acceptMissing: true })
    assert.equal(projections, generation)
  })

  it('from the middle says which stages begin with nothing', async () => {
    const { replays } = await world(defineTopology('test', [counting]))
    assert.deepEqual(await replays.missing({ kind: 'beginning' }), [])
    const beginWith = { kind: 'offset', offset: 3 } as const
    assert.match((await replays.missing(beginWith))[0], /what stage counting remembers/)
    await refuses(replays.start({ beginWith, acceptMissing: false }), /Begin at the beginning/)
  })
})

describe('what is asked of a generation', () => {
  it('is refused where it stands otherwise, with what to do', async () => {
    const { replays } = await world()
    const { generation } = await replays.start(beginning)
    const [, { generation: first }] = await listCatalogue(database)
    await refuses(replays.flip(generation), /is being filled: wait until it has caught up/)
    await refuses(replays.flip(first), /is the live one/)
    await refuses(replays.discard(first), /is the live one/)
    await refuses(replays.compare(first), /only what is being replayed is compared/)
    await refuses(replays.flip(99), /there is no generation 99/)
    await moveGeneration(database, generation, ['running'], 'failed', 'a bug')
    await refuses(replays.flip(generation), /has failed: discard it/)
  })

  it('is waited for; what was live before goes where so many are not to be kept', async () => {
    const { replays } = await world()
    const { generation } = await replays.start(beginning)
    await moveGeneration(database, generation, ['running'], 'caught_up')
    const flipped = replays.flip(generation, 0)
    await until(async () => (await listCatalogue(database))[0].state === 'flipping')
    await swapGeneration(database, TELEMETRY_PROJECTIONS, generation)
    assert.equal((await flipped).state, 'live')
    assert.equal((await listCatalogue(database))[1].state, 'discarding')
  })

  it('that could not be done says why', async () => {
    const { replays } = await world()
    const { generation } = await replays.start(beginning)
    await moveGeneration(database, generation, ['running'], 'caught_up')
    const flipped = replays.flip(generation)
    await until(async () => (await listCatalogue(database))[0].state === 'flipping')
    await moveGeneration(database, generation, ['flipping'], 'caught_up', 'a view depends on it')
    await refuses(flipped, /a view depends on it/)
  })
})

describe('the catalogue', () => {
  it('drops tables only where nobody goes on with them', async () => {
    const { replays } = await world()
    const [{ generation: first }] = await listCatalogue(database)
    const beginWith = { kind: 'offset', offset: 3 } as const
    const { generation } = await replays.start({ beginWith, acceptMissing: false })
    await swapGeneration(database, [...TELEMETRY_PROJECTIONS], generation)
    assert.equal(await prepareProjections(database, TELEMETRY_PROJECTIONS), first, 'its tables are those of the first')
    await dropGeneration(database, first)
    assert.deepEqual(await database.query(`select to_regclass('${usage.name}_g${first}') is null as gone`), [
      { gone: false },
    ])
    const { generation: third } = await replays.start(beginning)
    await swapGeneration(database, TELEMETRY_PROJECTIONS, third)
    await dropGeneration(database, generation)
    assert.deepEqual(await database.query(`select to_regclass('${usage.name}_g${first}') is null as gone`), [
      { gone: true },
    ])
  })

  it('never goes back in how far a sink has come, and keeps logs apart', async () => {
    await world()
    const [{ generation }] = await listCatalogue(database)
    const at = (reached: number, log = 'a') => [{ log, topic: raw.name, partition: 0, reached }]
    await saveReached(database, 'lake', generation, at(5))
    await saveReached(database, 'lake', generation, at(3))
    assert.deepEqual([...(await readReached(database, 'lake', generation, 'a'))], [[0, 5]])
    assert.equal((await readReached(database, 'lake', generation, 'b')).size, 0)
  })
})
