/**
 * What the log knows of itself, in a compacted topic of one partition: its id, and the topics it is made of.
 *
 * Who finds no id writes one under a key of its own; of several, the one at the lowest offset counts. Processes that start at
 * the same time agree so, and compaction, which keeps every key, changes nothing. Topics have their Kafka id, by which one
 * that was deleted and made again is known.
 */
import { randomUUID } from 'node:crypto'
import { OperatorError } from '../../errors/errors.ts'
import type { Bounds, LogRecord, NewRecord } from '../log.ts'
import type { TopicMetadata } from './requests.ts'

const PAGE_BYTES = 2 ** 20

/** What of the log it is kept in. */
export interface CatalogLog {
  bounds(topic: string, partition: number): Promise<Bounds>
  read(topic: string, partition: number, offset: number, options: { maxBytes: number }): Promise<readonly LogRecord[]>
  append(records: readonly NewRecord[]): Promise<readonly number[]>
}

interface TopicEntry {
  readonly topicId: string
  readonly partitions: number
}

export class Catalog {
  readonly #log: CatalogLog
  readonly #topic: string
  readonly #topics = new Map<string, TopicEntry>()
  #id: string | null = null
  #next = 0

  private constructor(log: CatalogLog, topic: string) {
    this.#log = log
    this.#topic = topic
  }

  /** @param topic exists; compacted, of one partition */
  static async open(log: CatalogLog, topic: string): Promise<Catalog> {
    const catalog = new Catalog(log, topic)
    await catalog.refresh()
    if (catalog.#id === null) {
      const id = randomUUID()
      await catalog.#append(`log/${id}`, { id, madeAt: new Date().toISOString() })
      await catalog.refresh()
    }
    return catalog
  }

  get id(): string {
    return this.#id!
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()].sort()
  }

  /** Reads what others have written since. */
  async refresh(): Promise<void> {
    const { begin, end } = await this.#log.bounds(this.#topic, 0)
    for (this.#next = Math.max(begin, this.#next); this.#next < end; ) {
      const page = await this.#log.read(this.#topic, 0, this.#next, { maxBytes: PAGE_BYTES })
      for (const record of page) this.#apply(record)
      if (page.length === 0) return
      this.#next = page[page.length - 1].offset + 1
    }
  }

  /**
   * Topics that exist, as the brokers have them; those not known yet are put down.
   * @throws OperatorError where one is not the topic it was
   */
  async put(found: readonly TopicMetadata[]): Promise<void> {
    for (const { name, topicId, partitions } of found) {
      const known = this.#topics.get(name)
      if (known !== undefined && known.topicId !== topicId) {
        throw new OperatorError(
          `topic ${name} was deleted and made again, but the log (${this.id}) is what it was: offsets would mean other records ` +
            `than before. Bring the topic back, or begin another log: stop millrace, delete ${[...this.topics, this.#topic].join(', ')} ` +
            'and reset its groups',
        )
      }
      if (known?.partitions === partitions.length) continue
      await this.#append(`topic/${name}`, { topicId, partitions: partitions.length } satisfies TopicEntry)
      this.#topics.set(name, { topicId, partitions: partitions.length })
    }
  }

  async #append(key: string, value: unknown): Promise<void> {
    const record = { topic: this.#topic, partition: 0, timestamp: Date.now() }
    await this.#log.append([{ ...record, key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)) }])
  }

  #apply({ key, value }: LogRecord): void {
    const [kind, name] = Buffer.from(key ?? [])
      .toString()
      .split('/', 2)
    if (kind === 'log') this.#id ??= name
    else if (kind === 'topic') this.#topics.set(name, JSON.parse(Buffer.from(value).toString()))
  }
}
