/** The archive on a real S3 server and in a folder, and read by another program. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { pythonWith } from '#pipeline/testing/python.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { openStore } from '#sinks/store/open_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { startS3 } from '#sinks/store/testing/s3_server.ts'
import { createArchiveSink } from './archive.ts'
import { createArchiveReader } from './archive_reader.ts'
import { createArchivedLog } from './archived_log.ts'
import { crashingArchivers } from './testing/crashing_archivers.ts'
import { assertRecords, handedOver, PLACE, readFrom, recordAt, TOPIC } from './testing/records.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('./testing/read_archive.py', import.meta.url))

const server = await startS3()
after(() => server?.close())
test('a server could be started', { skip: server === null && 'no Python with moto could be set up' }, () => {})

if (server !== null) {
  describe('the archive in a bucket', () => {
    test('has each record once, whatever is lost on the way', async () => {
      const url = `s3://${await server.bucket()}/archive`
      await crashingArchivers(await openStore({ url, s3Endpoint: server.endpoint }), 1)
    })
  })
}

describe('the archive in a folder', () => {
  test('has each record once, whatever is lost on the way', () =>
    withFolder((directory) => crashingArchivers(createFileStore(directory), 1)))

  test('gives back what the embedded log has trimmed', () =>
    withFolder(async (folder) => {
      const log = await createEmbeddedLog({ directory: join(folder, 'log'), segmentBytes: 100_000 })
      try {
        await log.createTopics([{ name: TOPIC.name, partitions: 1, retentionMs: 1e9, retentionBytes: null }])
        const records = Array.from({ length: 400 }, (_, offset) => ({
          ...recordAt(offset),
          value: Buffer.alloc(2_000, `${offset}`),
        }))
        for (let from = 0; from < records.length; from += 20) await log.append(records.slice(from, from + 20))
        const sink = createArchiveSink(createFileStore(join(folder, 'archive')), TOPIC, {
          limits: { objectRecords: 90 },
        })
        for (const record of records)
          await sink.write({
            ...handedOver(record),
            origin: { ...PLACE, log: log.id, offset: record.offset, previous: record.offset - 1 },
          })
        await sink.flush()
        await sink.close()
        await log.trim(TOPIC.name, 0, 300)
        const { begin } = await log.bounds(TOPIC.name, 0)
        assert.ok(begin > 100, `the log begins at ${begin}`)
        const source = createArchivedLog(log, createArchiveReader(createFileStore(join(folder, 'archive'))))
        const read = await readFrom((offset, options) => source.read(TOPIC.name, 0, offset, options), 0, 400, 50_000)
        assertRecords(read, records)
      } finally {
        await log.close()
      }
    }))

  test('is read by other programs', async (context) => {
    const python = await pythonWith('fastavro==1.13.1', 'backports.zstd==1.8.0')
    if (python === null) return context.skip('no Python with fastavro could be set up')
    await withFolder(async (directory) => {
      const store = createFileStore(directory)
      const sink = createArchiveSink(store, TOPIC, { limits: { objectRecords: 40, blockBytes: 2_000 } })
      let sums = 0
      for (let offset = 0; offset < 100; offset++) {
        const one = {
          key: Buffer.alloc(16, offset),
          receivedAt: 1e15,
          contentType: 'application/json' as const,
          body: Buffer.alloc(300, `${offset}`),
          eventCount: 1,
          refused: [],
        }
        const value = rawRecordCodec.encode(
          { projectId: `p${offset % 3}`, signal: 'logs', receivedAt: 1e15, exports: [one] },
          7,
        )
        sums += crc32(value)
        await sink.write({ ...handedOver(recordAt(offset)), value })
      }
      await sink.flush()
      await sink.close()
      const paths = (await store.list('')).map(({ key }) => join(directory, key))
      assert.equal(paths.length, 3)
      const { stdout } = await run(python, [SCRIPT, ...paths])
      assert.deepEqual(JSON.parse(stdout), {
        offsets: [0, 99, 100],
        keys: Array.from({ length: 100 }, (_, offset) => recordAt(offset).key).filter((key) => key !== null).length,
        sums,
        projects: ['p0', 'p1', 'p2'],
        first: TOPIC.name,
      })
    })
  })
})
