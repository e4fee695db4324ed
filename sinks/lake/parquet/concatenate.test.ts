import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { storedColumns } from '#schemas/tables/stored.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { createParquetReader } from '../testing/parquet_reader.ts'
import { sampleLogs } from '../testing/sample_logs.ts'
import { eventsFiles } from '../writer/events_file.ts'
import { ByteWriter } from './byte_writer.ts'
import { concatenateFiles } from './concatenate.ts'
import { ParquetFile } from './parquet_file.ts'
import { optional } from './schema.ts'
import { readThrift, writeThrift } from './thrift_tree.ts'

const reader = await createParquetReader()
after(() => reader.close())

const fileOf = (offset: number) =>
  eventsFiles(otelLogsAndSpans, [storedColumns(sampleLogs({ rows: 300, offset }))])[0].bytes

test('files one after the other read as all their rows, twice over too', async () => {
  const files = [fileOf(1), fileOf(2), fileOf(3)]
  const rows = (await Promise.all(files.map((file) => reader.rows(file)))).flat()
  const all = concatenateFiles(files)!
  assert.deepEqual(await reader.rows(all), rows)
  const again = concatenateFiles([all, fileOf(4)])!
  assert.deepEqual(await reader.rows(again), [...rows, ...(await reader.rows(fileOf(4)))])
  const groups = await reader.query(
    again,
    "SELECT count(DISTINCT row_group_id), sum(num_values) FROM parquet_metadata($file) WHERE path_in_schema = 'id'",
  )
  assert.deepEqual(
    groups.map((row) => row.map(Number)),
    [[4, 1200]],
  )
})

test('files of different schemas are not put together', () => {
  const other = new ParquetFile([optional('a', 'int64')]).finish()
  assert.equal(concatenateFiles([fileOf(1), other]), null)
})

test('what is no Parquet file is refused', () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(100), fileOf(1).subarray(0, -1)]) {
    assert.throws(() => concatenateFiles([bytes]), RangeError)
  }
})

test('a footer read and written again is the same bytes', () => {
  const file = fileOf(1)
  const size = new DataView(file.buffer, file.byteOffset).getUint32(file.length - 8, true)
  const footer = file.subarray(file.length - 8 - size, file.length - 8)
  const out = new ByteWriter()
  writeThrift(out, readThrift(footer))
  assert.deepEqual(out.written(), new Uint8Array(footer))
})
