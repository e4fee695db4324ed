/**
 * A statement from text to rows: parse, check, rewrite, choose the files, add the tail, run. Everything here belongs
 * to the query process; its parent talks to it through `protocol.ts`.
 */
import { performance } from 'node:perf_hooks'
import type { DuckDBConnection, DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import type { Position } from '#pipeline/log/log.ts'
import {
  type QueryColumn,
  type QueryRequest,
  type QueryRow,
  type StatementDescription,
  userError,
} from '#schemas/query.ts'
import { TABLES } from '#schemas/tables/tables.ts'
import { bindViews } from './bind_views.ts'
import { createCatalog } from './catalog/catalog.ts'
import { catalogStatement, isCatalogStatement } from './catalog/statement.ts'
import { describePrepared } from './describe.ts'
import { problemOf } from './duckdb_error.ts'
import type { InstancePool } from './instance_pool.ts'
import { castParameters } from './parameter_types.ts'
import { characterAt, type SqlParser } from './parser.ts'
import { countParameters, planStatement } from './plan.ts'
import type { LakeSource } from './snapshot.ts'
import type { TreeNode } from './sql_tree.ts'
import type { Tail } from './tail.ts'
import { typeName, valueReader } from './values.ts'
import { createViewSql } from './view.ts'

export interface EngineOptions {
  readonly parser: SqlParser
  readonly pool: InstancePool
  readonly lake: LakeSource
  readonly tail: Tail
}

export interface EngineRequest extends Pick<QueryRequest, 'projectId' | 'projectName' | 'sql' | 'parameterTypes'> {
  readonly params: NonNullable<QueryRequest['params']>
  readonly maxRows: number
  readonly timeoutMs: number
}

/** Where the answer goes. */
export interface ResultSink {
  /** @param asOf see `QueryResult` */
  columns(columns: readonly QueryColumn[], asOf: readonly Position[]): void
  /** The statement waits until this resolves; it rejects when `signal` aborts, cancelled or out of time. */
  page(rows: readonly QueryRow[], signal: AbortSignal): Promise<void>
}

export interface Engine {
  /**
   * Runs one statement to its last row. @throws QueryError
   * @param signal aborted: the statement is interrupted and the promise rejects
   */
  run(request: EngineRequest, sink: ResultSink, signal: AbortSignal): Promise<{ readonly truncated: boolean }>
  /** What the statement takes and gives; its parameters need no values. @throws QueryError */
  describe(request: EngineRequest, signal: AbortSignal): Promise<StatementDescription>
}

/** A page holds about this much text at most, and at least one row. */
export const PAGE_BYTES = 1 << 20

export function createEngine({ parser, pool, lake, tail }: EngineOptions): Engine {
  const catalog = createCatalog()

  const parse = async ({ sql, parameterTypes }: EngineRequest, types = parameterTypes) =>
    castParameters(await parser.parse(sql), types)

  const runOnTables = async (request: EngineRequest, tree: TreeNode, sink: ResultSink, signal: AbortSignal) => {
    const plan = await planStatement(parser, tree, request)
    const tables = TABLES.map((table) => table.name).filter((name) =>
      plan.references.some(({ reference }) => reference.table.name === name),
    )
    const view = await tail.read(request.projectId, tables, (table) => lake.snapshot(request.projectId, table))
    signal.throwIfAborted()
    return await pool.use(request.projectId, (instance) =>
      onConnection(instance, signal, async (connection) => {
        const params = valuesOf(request.params, plan.parameterCount)
        const release = await bindViews({ connection, instance, lake, signal }, plan, view, params)
        try {
          signal.throwIfAborted()
          return await deliver(await connection.stream(plan.sql, params), request.maxRows, view.asOf, sink, signal)
        } finally {
          release()
        }
      }),
    )
  }

  const runOnCatalog = async (request: EngineRequest, tree: TreeNode, sink: ResultSink, signal: AbortSignal) => {
    const sql = await parser.print(catalogStatement(tree, request))
    return await onConnection(catalog, signal, async (connection) => {
      const params = valuesOf(request.params, countParameters(tree))
      return await deliver(await connection.stream(sql, params), request.maxRows, [], sink, signal)
    })
  }

  const describe = (request: EngineRequest, signal: AbortSignal) =>
    pool.use(request.projectId, async (instance) => {
      const isCatalog = isCatalogStatement(await parse(request))
      const scans: { release(): void }[] = []
      try {
        return await onConnection(isCatalog ? catalog : instance, signal, (connection) =>
          describePrepared(connection, request.parameterTypes, async (types) => {
            const tree = await parse(request, types)
            if (isCatalog) return await parser.print(catalogStatement(tree, request))
            const plan = await planStatement(parser, tree, request)
            for (const { reference } of plan.references) {
              const { table, view, needsStored } = reference
              const scan = instance.addScan({ table, batches: [] })
              scans.push(scan)
              const empty = { table, paths: [], tail: scan.number, withStored: needsStored, only: plan.columns }
              await connection.run(createViewSql(view, empty))
            }
            return plan.sql
          }),
        )
      } finally {
        for (const scan of scans) scan.release()
      }
    })

  /** Says what went wrong in the client's terms; ends the work at its time. */
  const guarded = async <T>(request: EngineRequest, signal: AbortSignal, work: (either: AbortSignal) => Promise<T>) => {
    const timeout = AbortSignal.timeout(request.timeoutMs)
    const started = performance.now()
    try {
      return await work(AbortSignal.any([signal, timeout]))
    } catch (cause) {
      const aborted = timeout.aborted ? 'timeout' : signal.aborted ? 'cancelled' : null
      const afterMs = Math.round(performance.now() - started)
      throw problemOf(cause, aborted, afterMs, (byte) => characterAt(request.sql, byte))
    }
  }

  return {
    run: (request, sink, signal) =>
      guarded(request, signal, async (either) => {
        const tree = await parse(request)
        return await (isCatalogStatement(tree) ? runOnCatalog : runOnTables)(request, tree, sink, either)
      }),
    describe: (request, signal) => guarded(request, signal, (either) => describe(request, either)),
  }
}

/** A connection for one statement, interrupted when the signal aborts. */
async function onConnection<T>(
  database: { connect(): Promise<DuckDBConnection> },
  signal: AbortSignal,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const connection = await database.connect()
  const interrupt = () => connection.interrupt()
  signal.addEventListener('abort', interrupt)
  try {
    return await work(connection)
  } finally {
    signal.removeEventListener('abort', interrupt)
    connection.closeSync()
  }
}

function valuesOf(params: EngineRequest['params'], count: number): DuckDBValue[] {
  if (params.length !== count) {
    throw userError('08P01', `the statement has ${count} parameters, ${params.length} values were given`)
  }
  return params.map((value) => (typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value))
}

async function deliver(
  result: DuckDBResult,
  maxRows: number,
  asOf: readonly Position[],
  sink: ResultSink,
  signal: AbortSignal,
) {
  const types = result.columnTypes()
  const readers = types.map(valueReader)
  sink.columns(
    result.deduplicatedColumnNames().map((_, at) => ({ name: result.columnName(at), type: typeName(types[at]) })),
    asOf,
  )
  let left = maxRows
  for (;;) {
    signal.throwIfAborted()
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return { truncated: false }
    const rows = chunk.getRows().map((row): QueryRow => row.map((value, at) => readers[at](value)))
    for (const page of pagesOf(rows.slice(0, left))) await sink.page(page, signal)
    if (rows.length > left) return { truncated: true }
    left -= rows.length
  }
}

/** Cuts rows into pages of about {@link PAGE_BYTES}. */
export function* pagesOf(rows: readonly QueryRow[]): Generator<readonly QueryRow[]> {
  let page: QueryRow[] = []
  let size = 0
  for (const row of rows) {
    const rowSize = row.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 16), 0)
    if (page.length > 0 && size + rowSize > PAGE_BYTES) {
      yield page
      page = []
      size = 0
    }
    page.push(row)
    size += rowSize
  }
  if (page.length > 0) yield page
}
