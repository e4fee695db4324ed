/** What the tests of this folder share: a log in a temporary folder, and files that fail on demand. */
import { cp, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Budget } from '../budget.ts'
import type { Bounds, EventLog, LogRecord, NewRecord, ReadOptions } from '../log.ts'
import { createEmbeddedLog, type EmbeddedLog, type EmbeddedLogOptions } from './embedded.ts'
import { decodeSegmentHeader, unplaced } from './frame.ts'
import { Partition, type Surroundings } from './partition.ts'
import type { Home, OpenFile } from './segment.ts'
import { IndexCache } from './segment_reader.ts'

export const TOPIC = 'test.records.v1'
/** The clock stands still, so that nothing expires during a test. */
export const NOW = 1_700_000_000_000
export const WEEK_MS = 7 * 24 * 3_600_000

export async function temporaryFolder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-log-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A log with one topic, at {@link NOW}; closed after the test. */
export async function openLog(t: TestContext, options: EmbeddedLogOptions, partitions = 1): Promise<EmbeddedLog> {
  const log = await createEmbeddedLog({ now: () => NOW, ...options })
  t.after(() => log.close())
  await log.createTopics([{ name: TOPIC, partitions, retentionMs: WEEK_MS, retentionBytes: null }])
  return log
}

/** A folder with a closed log of these values, each appended on its own. */
export async function closedLog(t: TestContext, values: readonly string[], options = {}): Promise<string> {
  const directory = await temporaryFolder(t)
  const log = await openLog(t, { directory, ...options })
  for (const value of values) await log.append([record(value)])
  await log.close()
  return directory
}

export function record(value: string | Uint8Array, partition = 0, timestamp = NOW): NewRecord {
  return { topic: TOPIC, partition, value: Buffer.from(value), timestamp }
}

export async function values(log: EventLog, partition = 0): Promise<string[]> {
  const bounds = await log.bounds(TOPIC, partition)
  return valuesOf({ bounds, read: (offset, options) => log.read(TOPIC, partition, offset, options) })
}

/** A partition as a closed log of {@link TOPIC} has it, without the rest of the log around it: opens in a millisecond. */
export async function openPartition(
  directory: string,
  options: Partial<Surroundings> = {},
  home?: Home,
): Promise<Partition> {
  return Partition.open(TOPIC, home ?? (await homeOf(directory)), 0, {
    openFile: open,
    indexes: new IndexCache(10),
    budget: new Budget(1e9, 1e9),
    segmentBytes: 1e6,
    now: Date.now,
    warn: () => {},
    ...options,
  })
}

/** Partition 0 of the log in a folder. */
export async function homeOf(directory: string): Promise<Home> {
  const { log } = decodeSegmentHeader(await readFile((await segmentPaths(directory))[0]))
  return { log, partition: 0, directory: partitionFolder(directory) }
}

export async function appendTo(partition: Partition, value: string): Promise<number> {
  const frame = unplaced(record(value))
  return partition.append([frame], frame.sizeBytes)
}

/** All values of a partition, of a log or opened on its own. */
export async function valuesOf(partition: {
  readonly bounds: Bounds
  read(offset: number, options: ReadOptions): Promise<readonly LogRecord[]>
}): Promise<string[]> {
  const { begin, end } = partition.bounds
  const read: string[] = []
  for (let offset = begin; offset < end; ) {
    const page = await partition.read(offset, { maxBytes: 1_000_000 })
    for (const { value } of page) read.push(Buffer.from(value).toString())
    offset += page.length
  }
  return read
}

export function partitionFolder(directory: string, partition = 0): string {
  return join(directory, 'topics', TOPIC, String(partition))
}

/** Paths of the segments of a partition, oldest first. */
export async function segmentPaths(directory: string, partition = 0): Promise<string[]> {
  const folder = partitionFolder(directory, partition)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.segment')).sort()
  return names.map((name) => join(folder, name))
}

export async function copyFolder(t: TestContext, directory: string): Promise<string> {
  const copy = await temporaryFolder(t)
  await cp(directory, copy, { recursive: true })
  return copy
}

/** What the next operations on segment files do. Each fault happens once. */
export class Faults {
  /** A write stores only this many bytes; `failWrite`, where set, is for the next one. */
  writeShort: number | null = null
  failWrite: string | null = null
  failSync: string | null = null
  failTruncate: string | null = null
  syncs = 0
  writes = 0
  /** While set, syncs wait for it. */
  hold: Promise<void> | null = null
  /** While set, writes wait for it. */
  holdWrite: Promise<void> | null = null

  readonly openFile: OpenFile = async (path, flags) => {
    const file = await open(path, flags)
    if (!path.endsWith('.segment')) return file
    const writev = file.writev.bind(file)
    const datasync = file.datasync.bind(file)
    const truncate = file.truncate.bind(file)
    file.writev = (async (buffers: readonly Uint8Array[], position?: number) => {
      this.writes++
      await this.holdWrite
      if (this.writeShort !== null) {
        const some = Buffer.concat(buffers).subarray(0, this.writeShort)
        this.writeShort = null
        return writev([some], position)
      }
      this.#fail('failWrite')
      return writev(buffers as Uint8Array[], position)
    }) as typeof file.writev
    file.datasync = async () => {
      this.syncs++
      await this.hold
      this.#fail('failSync')
      return datasync()
    }
    file.truncate = async (length?: number) => {
      this.#fail('failTruncate')
      return truncate(length)
    }
    return file
  }

  #fail(fault: 'failWrite' | 'failSync' | 'failTruncate'): void {
    const code = this[fault]
    if (code === null) return
    this[fault] = null
    throw Object.assign(new Error(`${code}: made to fail`), { code })
  }
}
