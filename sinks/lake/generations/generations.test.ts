/** Lakes beside each other: what is carried over from one to the other, what differs between them, what is left of one. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type Batch, withColumns } from '#pipeline/batch/batch.ts'
import { columnOf } from '#pipeline/batch/column.ts'
import { eventId, eventPlace, logByte } from '#pipeline/batch/event_id.ts'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { TABLES } from '#schemas/tables/tables.ts'
import { openStore } from '#sinks/store/open_store.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { generationStore } from '../paths.ts'
import { LOG_ID, sampleLogs } from '../testing/sample_logs.ts'
import { LakeWriter } from '../writer/lake_writer.ts'
import { carryOver } from './carry_over.ts'
import { compareTables } from './compare.ts'
import { createTableScanner, filesSql, receivedBeforeSql, type TableScanner } from './duckdb.ts'
import { type LakeStorage, openLakeStorage, type StoredTable } from './storage.ts'

const PROJECT = '11111111-2222-4333-8444-555555555555'
const TOPIC = 'telemetry.raw.v1'
const APP_ID = `${LOG_ID}/${TOPIC}/0`
const OTHER_LOG = 'cd000000-0000-4000-8000-000000000000'
const EVERYTHING = 'true'
const ROWS = 20

let folder: string
let storage: LakeStorage
let scanner: TableScanner
before(async () => {
  scanner = await createTableScanner()
})
after(() => scanner.close())
const folders: string[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-generations-'))
  folders.push(folder)
  const cache = { directory: join(folder, 'cache'), maxBytes: 2 ** 28 }
  const projects = { query: async () => [{ id: PROJECT }] as never[] }
  storage = await openLakeStorage({ url: `file:${join(folder, 'lake')}` }, cache, projects)
})
after(() => folders.forEach((each) => void rmSync(each, { recursive: true, force: true })))

const logs = (offset: number) => sampleLogs({ rows: ROWS, offset })

/** @param commits batches of each */
async function write(generation: number, commits: readonly (readonly Batch[])[]): Promise<void> {
  const store = await openStore(generationStore({ url: `file:${join(folder, 'lake')}` }, generation))
  const writer = new LakeWriter({ store, now: Date.now })
  for (const batches of commits) {
    for (const batch of batches) await writer.add(batch)
    await writer.flush()
  }
}

async function logsOf(generation: number): Promise<StoredTable> {
  return (await storage.tables(generation)).find(({ table }) => table === TABLES[0])!
}

/** Offsets of the raw records that rows came from, and how many of each. */
async function offsetsIn(generation: number): Promise<Record<number, number>> {
  const { key } = await logsOf(generation)
  const files = [...(await loadSnapshot(storage.store, key)).files.values()]
  const { paths } = await storage.hold([{ key, files }])
  const rows = paths[0].length === 0 ? [] : await scanner.rows(`SELECT id FROM ${filesSql(paths[0])}`)
  const counts: Record<number, number> = {}
  for (const { id } of rows) {
    const { offset } = eventPlace(String(id))
    counts[offset] = (counts[offset] ?? 0) + 1
  }
  return counts
}

const carry = async (begin: readonly number[], log = LOG_ID) =>
  carryOver(storage, scanner, await logsOf(1), await logsOf(2), { log, topic: TOPIC, begin }, Date.now())

const compare = async (condition = EVERYTHING) =>
  compareTables(storage, scanner, await logsOf(1), await logsOf(2), condition)

describe('rows carried over', () => {
  it('are those before the border: whole files as they are, files on it by their rows', async () => {
    await write(1, [[logs(0), logs(1)], [logs(2), logs(3), logs(4)], [logs(5)]])
    await carry([3])
    assert.deepEqual(await offsetsIn(2), { 0: ROWS, 1: ROWS, 2: ROWS })
    const { files, txns } = await loadSnapshot(storage.store, (await logsOf(2)).key)
    assert.deepEqual([files.size, [...txns]], [2, [[APP_ID, 2]]])
    const [first] = (await loadSnapshot(storage.store, (await logsOf(1)).key)).files.keys()
    const inode = (key: string) => statSync(storage.store.localPath(`${key}/${first}`)!).ino
    assert.equal(inode((await logsOf(2)).key), inode((await logsOf(1)).key), 'linked, not copied')
    const { numRecords, nullCount } = JSON.parse([...files.values()][1].stats!)
    assert.deepEqual([numRecords, nullCount.timestamp, nullCount.duration], [ROWS, 0, ROWS])
    await write(2, [
      [logs(2), logs(3)],
      [logs(4), logs(5)],
    ])
    assert.deepEqual(await offsetsIn(2), await offsetsIn(1), 'and what is replayed fits on')
    assert.equal(
      (await compare()).days.every(({ isEqual }) => isEqual),
      true,
    )
  })

  it('are carried once, however often it is tried', async () => {
    await write(1, [[logs(0)], [logs(1)]])
    await carry([1])
    await carry([1])
    assert.deepEqual(await offsetsIn(2), { 0: ROWS })
  })

  it('of other logs are all older', async () => {
    const other = logs(7)
    const place = { ...other.origin, log: OTHER_LOG }
    await write(1, [
      [{ ...other, origin: { ...place, previous: 6 }, raw: { ...other.raw, log: OTHER_LOG } }],
      [logs(0)],
    ])
    await carry([0])
    assert.deepEqual(await offsetsIn(2), { 7: ROWS })
    assert.deepEqual(await storage.otherLogs(2, LOG_ID), [OTHER_LOG])
  })

  it('are refused where ids do not tell the logs apart', async () => {
    await write(1, [[logs(0)]])
    const alike = `${LOG_ID.slice(0, 2)}111111${LOG_ID.slice(8)}`
    assert.equal(logByte(alike), logByte(LOG_ID))
    await assert.rejects(carry([1], alike), OperatorError)
  })
})

describe('a comparison', () => {
  const changed = (batch: Batch, row: number) => {
    const levels = Array.from({ length: ROWS }, (_, at) => (at === row ? 'FATAL' : 'INFO'))
    return withColumns(batch, [['level', columnOf('text', levels)]])
  }

  it('does not see in which files and order rows are', async () => {
    await write(1, [[logs(0)], [logs(1), logs(2)]])
    await write(2, [[logs(0), logs(1), logs(2)]])
    const { days, differences } = await compare()
    assert.deepEqual(
      days.map(({ day, liveRows, rows, isEqual }) => [day, liveRows, rows, isEqual]),
      [['2026-03-04', 3 * ROWS, 3 * ROWS, true]],
    )
    assert.deepEqual(differences, [])
  })

  it('names rows that differ, and their columns; those that are missing, and those that came', async () => {
    await write(1, [[changed(logs(0), 0), changed(logs(1), 0)]])
    await write(2, [[changed(logs(0), 3), { ...changed(logs(2), 0), origin: { ...logs(2).origin, previous: 0 } }]])
    const { days, differences } = await compare()
    assert.equal(days[0].isEqual, false)
    const [first] = differences
    assert.deepEqual([first.kind, eventPlace(first.id).offset, eventPlace(first.id).position], ['changed', 0, 0])
    assert.deepEqual(first.columns, [{ name: 'level', live: 'FATAL', next: 'INFO' }])
    const kinds = new Set(differences.map(({ kind, id }) => `${kind} ${eventPlace(id).offset}`))
    assert.deepEqual([...kinds].sort(), ['changed 0', 'missing 1'], 'five of a day')
  })

  it('is of what both have come to', async () => {
    await write(1, [[logs(0), logs(1)]])
    await write(2, [[logs(0), logs(1), logs(2)]])
    assert.equal((await compare()).days[0].isEqual, false)
    const upTo1 = receivedBeforeSql(logByte(LOG_ID), [2])
    assert.equal((await compare(upTo1)).days[0].isEqual, true)
    assert.deepEqual((await compare(receivedBeforeSql(logByte(LOG_ID), [0]))).days, [], 'days of nothing are left out')
  })
})

describe('storage', () => {
  it('counts its bytes, and goes without a trace, the others staying', async () => {
    await write(1, [[logs(0)]])
    await write(2, [[logs(0)]])
    const size = await storage.sizeBytes(1)
    assert.ok(size > 1000)
    await storage.remove(2)
    assert.ok(!existsSync(join(folder, 'lake/g2')))
    assert.equal(await storage.sizeBytes(1), size)
    await write(2, [[logs(0)]])
    await storage.remove(1)
    assert.deepEqual(readdirSync(join(folder, 'lake')), ['g2'])
    assert.equal(await storage.sizeBytes(1), 0)
  })
})

describe('the condition on ids', () => {
  it('tells partition and offset, also of large ones', async () => {
    const place = { receivedMs: 1_772_625_600_000, log: 0xab, signal: 'metrics', position: 9 } as const
    const ids = [
      [0, 2 ** 35 + 5],
      [0, 2 ** 35 + 6],
      [1500, 7],
      [1500, 8],
    ].map(([partition, offset]) => eventId({ ...place, partition, offset }))
    const begin = Array.from({ length: 1501 }, (_, partition) => (partition === 0 ? 2 ** 35 + 6 : 8))
    const values = ids.map((id) => `('${id}')`).join(', ')
    const rows = await scanner.rows(
      `SELECT id FROM (VALUES ${values}) AS of(id) WHERE ${receivedBeforeSql(0xab, begin)}`,
    )
    assert.deepEqual(
      rows.map(({ id }) => id),
      [ids[0], ids[2]],
    )
    const other = await scanner.rows(
      `SELECT id FROM (VALUES ${values}) AS of(id) WHERE ${receivedBeforeSql(0xcd, begin)}`,
    )
    assert.equal(other.length, 4)
  })
})
