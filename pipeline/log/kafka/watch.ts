/**
 * Wakes those who wait for records. Our own appends do so at once; those of other processes are heard of by a long poll on
 * a connection of its own, one for each broker however many partitions are waited for.
 *
 * A poll covers every partition that was waited for of late, from where we know it to end. What it brings is thrown away (one
 * batch): the reader fetches from where it stands.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Waiters } from '../waiters.ts'
import type { Cluster, TopicPartition } from './cluster.ts'
import { keyOf, type Partitions } from './partitions.ts'
import { fetchRequest } from './requests.ts'

/** A broker holds a poll this long where nothing comes; a partition waited for anew is part of the next. */
const POLL_MS = 250
/** Under load our own appends end every poll at once: then not more of them than this. */
const PAUSE_MS = 40
const AFTER_FAILURE_MS = 500
/** A partition nobody has waited for since is no longer polled. */
const FORGET_MS = 5_000
const OFFSET_OUT_OF_RANGE = 1

interface Watched extends TopicPartition {
  readonly waiters: Waiters
  wantedAt: number
}

export class Watch {
  readonly #cluster: Cluster
  readonly #partitions: Partitions
  readonly #watched = new Map<string, Watched>()
  readonly #closing = new AbortController()
  #polling: Promise<void> | null = null

  constructor(cluster: Cluster, partitions: Partitions) {
    this.#cluster = cluster
    this.#partitions = partitions
  }

  /** @param offset where the partition is known not to reach beyond */
  async waitFor(place: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    const known = this.#partitions.end(place)
    if (signal.aborted || this.#closing.signal.aborted || (known !== null && known > offset)) return
    const key = keyOf(place)
    let watched = this.#watched.get(key)
    if (watched === undefined) this.#watched.set(key, (watched = { ...place, waiters: new Waiters(), wantedAt: 0 }))
    watched.wantedAt = performance.now()
    const woken = watched.waiters.wait(offset, signal)
    this.#start()
    await woken
  }

  /** The partition is known to reach to `end`. */
  reached(place: TopicPartition, end: number): void {
    this.#watched.get(keyOf(place))?.waiters.reached(end)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const { waiters } of this.#watched.values()) waiters.reached(Number.POSITIVE_INFINITY)
    this.#cluster.drop('watch')
    await this.#polling
  }

  #start(): void {
    if (this.#polling !== null || this.#closing.signal.aborted || this.#wanted().length === 0) return
    this.#polling = this.#poll().finally(() => {
      this.#polling = null
      // Somebody may have come while the last poll ended.
      this.#start()
    })
  }

  async #poll(): Promise<void> {
    const busy = new Map<number, Promise<void>>()
    while (!this.#closing.signal.aborted && this.#wanted().length > 0) {
      const byLeader = await this.#byLeader()
      for (const [leader, places] of byLeader) {
        if (busy.has(leader)) continue
        const poll = this.#pollOne(leader, places).finally(() => busy.delete(leader))
        busy.set(leader, poll)
      }
      if (busy.size > 0) await Promise.race(busy.values())
      await this.#pause(byLeader.size === 0 ? AFTER_FAILURE_MS : PAUSE_MS)
    }
    await Promise.all(busy.values())
  }

  #wanted(): readonly Watched[] {
    const now = performance.now()
    for (const [key, { waiters, wantedAt }] of this.#watched) {
      if (waiters.size === 0 && now - wantedAt > FORGET_MS) this.#watched.delete(key)
    }
    return [...this.#watched.values()]
  }

  async #byLeader(): Promise<ReadonlyMap<number, readonly Watched[]>> {
    const found = new Map<number, Watched[]>()
    for (const watched of this.#wanted()) {
      try {
        const leader = await this.#cluster.leader(watched.topic, watched.partition)
        found.set(leader, [...(found.get(leader) ?? []), watched])
      } catch (error) {
        // It is gone: whoever reads there finds out.
        if (error instanceof RangeError) this.#wake(watched)
      }
    }
    return found
  }

  async #pollOne(leader: number, places: readonly Watched[]): Promise<void> {
    const partitions = places.map((place) => ({ ...place, offset: this.#partitions.end(place) ?? 0 }))
    try {
      const request = fetchRequest({ partitions, maxBytes: 1, maxWaitMs: POLL_MS })
      for (const answer of await this.#cluster.at(leader, 'watch', (connection) => connection.send(request))) {
        this.#heard(answer)
      }
    } catch {
      if (!this.#closing.signal.aborted) await this.#failed(places)
    }
  }

  #heard(answer: TopicPartition & { readonly errorCode: number; readonly end: number }): void {
    const watched = this.#watched.get(keyOf(answer))
    if (watched === undefined) return
    if (answer.errorCode === OFFSET_OUT_OF_RANGE) {
      this.#wake(watched)
      return
    }
    if (answer.errorCode !== 0) {
      this.#cluster.forget(answer.topic)
      return
    }
    this.#partitions.reached(answer, answer.end)
    watched.waiters.reached(answer.end)
  }

  /** Whoever waits reads, and is told what is the matter there. */
  #wake({ waiters, topic, partition }: Watched): void {
    waiters.reached(Number.POSITIVE_INFINITY)
    this.#watched.delete(keyOf({ topic, partition }))
  }

  async #failed(places: readonly Watched[]): Promise<void> {
    for (const { topic } of places) this.#cluster.forget(topic)
    await this.#pause(AFTER_FAILURE_MS)
  }

  async #pause(durationMs: number): Promise<void> {
    await delay(durationMs, undefined, { signal: this.#closing.signal }).catch(() => {})
  }
}
