/**
 * The events of the whole process as they come, read once however many watch: one reader a partition, from the end of the
 * topic on, and only while somebody is there. Deliveries are synchronous, so at any time everybody has been offered
 * exactly what lies before the feed's positions.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import type { EventLog, Position } from '#pipeline/log/log.ts'
import type { Handover } from '#pipeline/runtime/handover.ts'
import { createSource, type Source } from '#pipeline/runtime/source.ts'
import type { BatchTopic } from '#pipeline/stage/topic.ts'

export interface FeedOptions {
  readonly log: EventLog
  readonly topic: BatchTopic
  /** Where stages leave what they have just produced. */
  readonly handover: Handover
}

export interface Subscriber {
  readonly projectId: string
  /** Must not wait and must not throw. @param position where the feed stands after the batch */
  deliver(batch: Batch, position: Position): void
  /** The feed broke off: nothing more will come. */
  failed(error: Error): void
}

export interface Feed {
  /** Resolves once the feed runs: from its positions of that moment on, everything is delivered. */
  subscribe(subscriber: Subscriber): Promise<void>
  unsubscribe(subscriber: Subscriber): void
  /** By partition. Only while somebody is subscribed. */
  readonly positions: readonly Position[]
  close(): void
}

/** What runs from the first subscriber to the last. */
interface Reading {
  readonly stop: AbortController
  readonly ready: Promise<void>
  readonly positions: Position[]
}

export function createFeed({ log, topic, handover }: FeedOptions): Feed {
  const subscribers = new Map<string, Set<Subscriber>>()
  let reading: Reading | null = null

  function start(): Reading {
    const stop = new AbortController()
    const positions: Position[] = []
    const ready = open(positions, stop)
    ready.catch((error: Error) => fail(stop, error))
    return { stop, positions, ready }
  }

  async function open(positions: Position[], stop: AbortController): Promise<void> {
    const partitions = (await log.topics()).find((info) => info.name === topic.name)?.partitions ?? 0
    const sources: Source<Batch>[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const { end } = await log.bounds(topic.name, partition)
      const position = { topic: topic.name, partition, offset: end, reached: {}, log: log.id }
      sources.push(await createSource({ log, topic, partition, position, reader: 'the live tail', handover }))
      positions.push(position)
    }
    for (const source of sources) {
      read(source, positions, stop.signal).catch((error: Error) => fail(stop, error))
    }
  }

  async function read(source: Source<Batch>, positions: Position[], stop: AbortSignal): Promise<void> {
    for (;;) {
      const delivery = await source.next(stop)
      if (delivery === null || stop.aborted) return
      const { value, position } = delivery
      positions[position.partition] = position
      for (const subscriber of subscribers.get(value.projectId) ?? []) subscriber.deliver(value, position)
    }
  }

  function fail(stop: AbortController, error: Error): void {
    if (reading?.stop !== stop) return
    end()
    for (const subscriber of [...subscribers.values()].flatMap((all) => [...all])) subscriber.failed(error)
    subscribers.clear()
  }

  function end(): void {
    reading?.stop.abort()
    reading = null
  }

  return {
    get positions() {
      return reading?.positions ?? []
    },
    async subscribe(subscriber) {
      const { projectId } = subscriber
      const others = subscribers.get(projectId) ?? new Set()
      subscribers.set(projectId, others.add(subscriber))
      reading ??= start()
      await reading.ready
    },
    unsubscribe(subscriber) {
      const others = subscribers.get(subscriber.projectId)
      others?.delete(subscriber)
      if (others?.size === 0) subscribers.delete(subscriber.projectId)
      if (subscribers.size === 0) end()
    },
    close: end,
  }
}
