/** A small lake and log for tests: files written by DuckDB itself, batches appended to a log in memory. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Batch, Signal } from '#pipeline/batch/batch.ts'
import { type Column, type ColumnType, columnOf, type Value } from '#pipeline/batch/column.ts'
import type { Position } from '#pipeline/log/log.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { CONTRACT } from '#schemas/event_batch.ts'
import { QueryError, type QueryParameter, type QueryProblem, type QueryRow } from '#schemas/query.ts'
import { type Table, tableOf } from '#schemas/tables/tables.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { createEngine, type Engine } from '../engine.ts'
import { createProjectInstance } from '../instance.ts'
import { createInstancePool, type InstancePool } from '../instance_pool.ts'
import { createSqlParser, type SqlParser } from '../parser.ts'
import { EMPTY_SNAPSHOT, type HeldFiles, type LakeFile, type LakeSnapshot, type LakeSource } from '../snapshot.ts'
import { createTail, type Tail, type TailOptions } from '../tail.ts'
import { tailFunction } from '../tail_function.ts'
import { literal } from '../view.ts'

export type EventRow = Readonly<Record<string, Value>>
export const PROJECT = '00000000-0000-4000-8000-000000000001'
export const OTHER_PROJECT = '00000000-0000-4000-8000-000000000002'
export const LOG_ID = 'ab000000-0000-4000-8000-00000000000a'
export const GROUP = 'lake'

/** Microseconds of an ISO time. */
export const micros = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n

/** A batch of rows by column name. Types are told by the table, for attributes by the value. */
export function batchOf(
  rows: readonly EventRow[],
  place: { offset: number; previous?: number; projectId?: string; signal?: Signal; partition?: number },
): Batch {
  const { offset, previous = offset - 1, projectId = PROJECT, signal = 'logs', partition = 0 } = place
  const raw = { log: LOG_ID, topic: 'telemetry.raw.v1', partition, offset }
  const columns = new Map<string, Column>()
  for (const name of new Set(rows.flatMap((row) => Object.keys(row)))) {
    const values = rows.map((row) => row[name] ?? null)
    columns.set(name, columnOf(columnType(tableOf(signal), name, values), values))
  }
  const receivedAt = Number(rows[0]?.timestamp ?? 0n)
  const origin = { ...raw, previous }
  return {
    contract: CONTRACT,
    projectId,
    signal,
    receivedAt,
    eventCount: rows.length,
    origin,
    raw,
    receivedBytes: 0,
    outcomes: new Map(),
    columns,
  }
}

function columnType(table: Table, name: string, values: readonly Value[]): ColumnType {
  const type = table.stored.find((column) => column.name === name)?.type
  if (type === undefined) {
    const sample = values.find((value) => value !== null)
    if (name.endsWith('.rest') || (typeof sample === 'string' && /^[[{]/.test(sample))) return 'json'
    if (typeof sample === 'bigint') return 'long'
    return typeof sample === 'number' ? 'double' : typeof sample === 'boolean' ? 'boolean' : 'text'
  }
  if (type === 'text' || type === 'boolean') return type
  if (type === 'double precision') return 'double'
  return type === 'json' || type.endsWith('[]') ? 'json' : 'long'
}

/** A lake in a temporary folder, of files that this writes. */
export class FixtureLake implements LakeSource {
  readonly root: string
  readonly #snapshots = new Map<string, LakeSnapshot>()

  /** @param parent where the lake's folder is made */
  constructor(parent = tmpdir()) {
    this.root = mkdtempSync(join(parent, 'millrace-query-'))
  }

  directory(projectId: string): string {
    return join(this.root, projectId)
  }

  async snapshot(projectId: string, table: Table['name']): Promise<LakeSnapshot> {
    return this.#snapshots.get(`${projectId}/${table}`) ?? EMPTY_SNAPSHOT
  }

  async hold(files: readonly LakeFile[]): Promise<HeldFiles> {
    return { paths: files.map(({ key }) => join(this.root, key)), release() {} }
  }

  /** Commits a file of these batches, all of one project and table. */
  async commit(batches: readonly Batch[], date = '2026-11-22'): Promise<string> {
    const { projectId, signal } = batches[0]
    const table = tableOf(signal)
    const folder = join(this.directory(projectId), table.name, `date=${date}`)
    mkdirSync(folder, { recursive: true })
    const path = join(folder, `part-${randomUUID()}.parquet`)
    await writeParquet(path, table, batches)
    const times = batches.flatMap((batch) => timesOf(batch)).map(Number)
    const file: LakeFile = {
      key: relative(this.root, path),
      sizeBytes: 0,
      date,
      minTimestamp: Math.min(...times),
      maxTimestamp: Math.max(...times),
      numRecords: times.length,
      min: {},
      max: {},
    }
    const before = await this.snapshot(projectId, table.name)
    const positions = new Map(before.positions)
    for (const { origin } of batches) {
      positions.set(`${origin.log}/${origin.topic}/${origin.partition}`, origin.offset)
    }
    this.#snapshots.set(`${projectId}/${table.name}`, {
      version: before.version + 1,
      files: [...before.files, file],
      positions,
    })
    return path
  }

  async close(): Promise<void> {
    rmSync(this.root, { recursive: true, force: true })
  }
}

function timesOf(batch: Batch): readonly bigint[] {
  const column = batch.columns.get('timestamp')
  return column?.type === 'long' ? [...column.values] : []
}

async function writeParquet(path: string, table: Table, batches: readonly Batch[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  connection.registerTableFunction(tailFunction(new Map([[0n, { table, batches }]])))
  const columns = table.stored
    .filter((column) => column.name !== 'date')
    .map(({ name, type }) =>
      type.endsWith('[]') ? `CAST(CAST(${name} AS json) AS ${type}) AS ${name}` : `CAST(${name} AS ${type}) AS ${name}`,
    )
  await connection.run(`COPY (SELECT ${columns.join(', ')} FROM millrace_tail(0)) TO ${literal(path)} (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
}

/** Everything a query needs, in this process. */
export interface QueryFixture {
  readonly lake: FixtureLake
  readonly log: MemoryLog
  readonly tail: Tail
  readonly tailOptions: TailOptions
  readonly pool: InstancePool
  readonly parser: SqlParser
  readonly engine: Engine
  append(...batches: Batch[]): Promise<void>
  /** Says that the lake group has come this far. */
  commitPosition(position: Omit<Position, 'topic' | 'log'>): Promise<void>
  /** Rows as objects. @throws QueryError */
  query(sql: string, params?: readonly QueryParameter[], projectId?: string): Promise<Record<string, unknown>[]>
  /** The problem a statement has. @throws Error where it has none */
  problem(sql: string, params?: readonly QueryParameter[]): Promise<QueryProblem>
  close(): Promise<void>
}

export async function createQueryFixture(
  options: { maxBytes?: number; partitions?: number; folder?: string } = {},
): Promise<QueryFixture> {
  const { maxBytes = 64 << 20, partitions = 1 } = options
  const lake = new FixtureLake(options.folder)
  const log = new MemoryLog(LOG_ID)
  const topic = telemetryEvents
  await log.createTopics([{ name: topic.name, partitions, retentionMs: 3_600_000, retentionBytes: null }])
  const parser = await createSqlParser()
  const tailOptions: TailOptions = { log, topic, group: GROUP, maxBytes, maxRecords: 1000 }
  const tail = createTail(tailOptions)
  const pool = createInstancePool(4, (projectId) => createProjectInstance(instanceOptions(lake, projectId)))
  const engine = createEngine({ parser, pool, lake, tail })
  const query: QueryFixture['query'] = async (sql, params = [], projectId = PROJECT) => {
    const rows: QueryRow[] = []
    let names: string[] = []
    const sink = {
      columns(columns: readonly { name: string }[]) {
        names = columns.map((column) => column.name)
      },
      async page(page: readonly QueryRow[]) {
        rows.push(...page)
      },
    }
    const request = { projectId, projectName: 'default', sql, params, maxRows: 10_000, timeoutMs: 30_000 }
    await engine.run(request, sink, new AbortController().signal)
    return rows.map((row) => Object.fromEntries(row.map((value, at) => [names[at], value])))
  }
  return {
    ...{ lake, log, tail, tailOptions, pool, parser, engine, query },
    async append(...batches) {
      for (const batch of batches) {
        const { partition } = batch.origin
        await log.append([{ topic: topic.name, partition, value: topic.codec.encode(batch, 1), timestamp: 0 }])
      }
    },
    async commitPosition(position) {
      const membership = await log.join(GROUP, [topic.name], { assigned() {}, revoked() {} })
      await membership.commit([{ ...position, topic: topic.name, log: LOG_ID }])
    },
    async problem(sql, params = []) {
      try {
        await query(sql, params)
      } catch (cause) {
        if (cause instanceof QueryError) return cause.problem
        throw cause
      }
      throw new Error(`no problem with: ${sql}`)
    },
    async close() {
      await pool.close()
      parser.close()
      lake.close()
    },
  }
}

export function instanceOptions(lake: FixtureLake, projectId: string) {
  const directory = lake.directory(projectId)
  mkdirSync(directory, { recursive: true })
  const tempDirectory = join(lake.root, `temp-${projectId}`)
  return { directory, tempDirectory, memoryBytes: 256 << 20, tempBytes: 64 << 20, threads: 2 }
}
