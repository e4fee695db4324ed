/**
 * The log as another process reads it while its owner appends: it sees every record that was acknowledged before
 * the read began, and none that is not durable. It takes no lock and keeps no file open.
 */
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { OperatorError, TransientError } from '../../errors/errors.ts'
import type { Bounds, LogRecord, Membership, Position, ReadOptions, TopicInfo, TopicSpec } from '../log.ts'
import { readDurableEnd } from './durable_end.ts'
import type { EmbeddedLog } from './embedded.ts'
import { checkFolder, metadataPath, partitionDirectory } from './folder.ts'
import { Metadata } from './metadata.ts'
import { findOffsetAt, type PartitionView, readFrom } from './partition_view.ts'
import { findSegment, type Home, listBases, type Segment } from './segment.ts'
import { IndexCache } from './segment_reader.ts'

const POLL_FIRST_MS = 5
const POLL_LAST_MS = 100
/** Looking again is enough: only the trimming of the very oldest segment can come between. */
const LIST_TRIES = 10

/** @throws OperatorError where there is no log in the folder */
export function openReadOnly(directory: string, cachedIndexes: number): EmbeddedLog {
  checkFolder(directory)
  return new ReadOnlyLog(directory, Metadata.open(metadataPath(directory), 'readOnly'), new IndexCache(cachedIndexes))
}

class ReadOnlyLog implements EmbeddedLog {
  readonly id: string
  readonly #directory: string
  readonly #metadata: Metadata
  readonly #indexes: IndexCache
  /** By folder, the segments seen last. */
  readonly #segments = new Map<string, Segment[]>()
  readonly #closing = new AbortController()

  constructor(directory: string, metadata: Metadata, indexes: IndexCache) {
    this.#directory = directory
    this.#metadata = metadata
    this.#indexes = indexes
    this.id = metadata.logId()
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return Promise.all(
      this.#metadata.topics().map(async (spec) => {
        const views = await Promise.all(
          Array.from({ length: spec.partitions }, (_, partition) => this.#look(spec.name, partition)),
        )
        const sizes = views.flatMap(({ segments }) => segments).map((segment) => sizeNow(segment))
        const sizeBytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
        return { ...spec, sizeBytes, bounds: views.map(boundsOf) }
      }),
    )
  }

  async bounds(topic: string, partition: number): Promise<Bounds> {
    return boundsOf(await this.#view(topic, partition))
  }

  async read(topic: string, partition: number, offset: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    return readFrom(await this.#view(topic, partition), offset, options)
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    return findOffsetAt(await this.#view(topic, partition), timestamp)
  }

  async waitFor(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    const home = this.#home(topic, partition)
    const either = AbortSignal.any([signal, this.#closing.signal])
    for (let pauseMs = POLL_FIRST_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, POLL_LAST_MS)) {
      if ((readDurableEnd(home.directory, partition) ?? 0) > offset) return
      await delay(pauseMs, undefined, { signal: either }).catch(() => {})
      if (this.#closing.signal.aborted) throw new TransientError('the log is closed')
    }
  }

  async positions(group: string): Promise<readonly Position[]> {
    return this.#metadata.positions(group)
  }

  async groups(): Promise<readonly string[]> {
    return this.#metadata.groups()
  }

  async schema(id: number): Promise<string> {
    const schema = this.#metadata.schema(id)
    if (schema === null) throw new RangeError(`there is no schema ${id}`)
    return schema
  }

  /** It writes nothing, so nothing of it can break. */
  health(): readonly string[] {
    return []
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#metadata.close()
  }

  createTopics = refuse
  growTopics = refuse
  append = refuse
  join = refuse as () => Promise<Membership>
  deleteGroup = refuse
  trim = refuse
  register = refuse

  #home(topic: string, partition: number): Home {
    const spec = this.#metadata.topics().find(({ name }) => name === topic)
    return homeOf(this.id, this.#directory, spec, topic, partition)
  }

  #view(topic: string, partition: number): Promise<PartitionView> {
    this.#home(topic, partition)
    return this.#look(topic, partition)
  }

  async #look(topic: string, partition: number): Promise<PartitionView> {
    const home: Home = { log: this.id, partition, directory: partitionDirectory(this.#directory, topic, partition) }
    // The end first: whatever segments hold the records before it are then surely listed.
    const end = readDurableEnd(home.directory, partition)
    if (end === null) throw new TransientError(`${home.directory} does not say how far it is durable`)
    return {
      topic,
      partition,
      end,
      segments: await this.#list(home),
      index: (segment) => this.#indexes.get(segment),
      trimmed: async (segment) => (await this.#list(home))[0].base > segment.base,
    }
  }

  async #list(home: Home): Promise<Segment[]> {
    for (let attempt = 0; ; attempt++) {
      const known = this.#segments.get(home.directory) ?? []
      try {
        const bases = await listBases(home.directory)
        const segments = await Promise.all(
          bases.map((base) => known.find((segment) => segment.base === base) ?? findSegment(home, base)),
        )
        if (segments.length === 0) throw new OperatorError(`${home.directory} has no segments`)
        this.#segments.set(home.directory, segments)
        return segments
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === LIST_TRIES) throw cause
      }
    }
  }
}

async function refuse(): Promise<never> {
  throw new OperatorError('this log was opened read-only: only the process that owns it can change it')
}

/** What it takes on disk: the last segment grows, and the first may just have been trimmed. */
async function sizeNow({ path }: Segment): Promise<number> {
  return (await stat(path).catch(() => ({ size: 0 }))).size
}

function boundsOf({ partition, segments, end }: PartitionView): Bounds {
  return { partition, begin: segments[0].base, end }
}

/** @throws RangeError where there is no such topic or partition */
export function homeOf(
  log: string,
  directory: string,
  spec: TopicSpec | undefined,
  topic: string,
  partition: number,
): Home {
  if (spec === undefined) throw new RangeError(`there is no topic ${topic}`)
  if (!Number.isInteger(partition) || partition < 0 || partition >= spec.partitions) {
    throw new RangeError(`topic ${topic} has no partition ${partition}, it has ${spec.partitions}`)
  }
  return { log, partition, directory: partitionDirectory(directory, topic, partition) }
}
