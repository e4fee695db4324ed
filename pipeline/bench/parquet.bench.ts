/**
 * The same log events to a Parquet file three ways: our writer, Arrow dictionary columns through parquet-wasm, DuckDB's
 * COPY from a table of its own. `node pipeline/bench/parquet.bench.ts [batches]`; decision record:
 * `../docs/decisions/0002-own-parquet-writer.md`.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import * as arrow from 'apache-arrow'
import * as parquetWasm from 'parquet-wasm'
import { type Column, isDictionary } from '#pipeline/batch/column.ts'
import { type StoredEvents, storedColumns } from '#schemas/tables/stored.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { sampleLogs } from '#sinks/lake/testing/sample_logs.ts'
import { eventsFiles } from '#sinks/lake/writer/events_file.ts'

const BATCH_ROWS = 2000
const ROUNDS = 7

type WriteFile = (parts: readonly StoredEvents[]) => Promise<Uint8Array>

const batches = Array.from({ length: Number(process.argv[2] ?? 50) }, (_, offset) =>
  sampleLogs({ rows: BATCH_ROWS, offset, receivedAt: Date.UTC(2026, 2, 4, 12) * 1000 + offset * 40_000 }),
)
const rows = batches.length * BATCH_ROWS

const own: WriteFile = async (parts) => eventsFiles(otelLogsAndSpans, parts)[0].bytes

const throughArrow: WriteFile = async (parts) => {
  const batchesOf = parts.map((part) => new arrow.Table(Object.fromEntries([...part.columns].flatMap(arrowVector))))
  const table = batchesOf[0].concat(...batchesOf.slice(1))
  const ipc = arrow.tableToIPC(table, 'stream')
  const properties = new parquetWasm.WriterPropertiesBuilder().setCompression(parquetWasm.Compression.ZSTD).build()
  return parquetWasm.writeParquet(parquetWasm.Table.fromIPCStream(ipc), properties)
}

/** Dictionary columns as they are: indexes become signed and count from 0. Arrays stay JSON text. */
function arrowVector([name, column]: [string, Column]): [string, arrow.Vector][] {
  if (column.type === 'long') return [[name, arrow.makeVector(column.values)]]
  if (column.type === 'double') return [[name, arrow.makeVector(column.values)]]
  if (!isDictionary(column)) return []
  const texts = arrow.makeData({
    type: new arrow.Utf8(),
    length: column.offsets.length - 1,
    valueOffsets: Int32Array.from(column.offsets),
    data: column.data,
  })
  const data = arrow.makeData({
    type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()),
    length: column.indexes.length,
    data: Int32Array.from(column.indexes, (index) => index - 1),
    dictionary: arrow.makeVector(texts),
  })
  return [[name, arrow.makeVector(data) as arrow.Vector]]
}

async function duckDbCopy(folder: string): Promise<WriteFile> {
  const source = join(folder, 'source.parquet')
  await writeFile(source, await own(batches.map(storedColumns)))
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  await connection.run(`CREATE TABLE events AS FROM '${source}'`)
  return async () => {
    const target = join(folder, 'copy.parquet')
    await connection.run(
      `COPY (FROM events ORDER BY timestamp) TO '${target}' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)`,
    )
    return readFile(target)
  }
}

async function measure(name: string, write: WriteFile): Promise<void> {
  const parts = batches.map(storedColumns)
  const micros: number[] = []
  let size = 0
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    size = (await write(parts)).length
    const { user, system } = process.cpuUsage(start)
    micros.push((user + system) / rows)
  }
  const best = Math.min(...micros)
  const cells = [name, best.toFixed(2), Math.round(1e6 / best), (size / rows).toFixed(1), micros[0].toFixed(2)]
  console.log(`| ${cells.join(' | ')} |`)
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
console.log(`${rows} log events\n`)
console.log('| writer | µs CPU a row, best | rows a CPU-second | bytes a row | µs, first time |')
console.log('| --- | --- | --- | --- | --- |')
await measure('ours', own)
await measure('parquet-wasm', throughArrow)
await measure('DuckDB COPY', await duckDbCopy(folder))
await rm(folder, { recursive: true })
