/** What a stage or sink has done since the process started, per partition. Numbers only; `/metrics` and UI read them. */
import type { Position } from '../log/log.ts'

/** `unassigned`: another process has the partition, or none. */
export type TaskCondition = 'unassigned' | 'running' | 'retrying' | 'stopped'

/** The world fails, and it is being tried again. */
export interface Trouble {
  readonly reason: string
  /** By `performance.now()`. */
  readonly sinceMs: number
}

/** Shorter troubles are no news; a task that has run for so long without another is over its last. */
const TROUBLE_MS = 5_000

export class TaskStats {
  events = 0
  batches = 0
  eventsOut = 0
  bytesOut = 0
  deadLetters = 0
  /** Times the task was started again after the world failed. */
  retries = 0
  errors = 0
  /** Time spent in the stage's own operators. */
  busyMs = 0
  position: Position | null = null
  condition: TaskCondition = 'unassigned'
  /** Why it is retrying or stopped. */
  reason: string | null = null
  #runningSinceMs = 0
  /** What the task was last started again for; nothing was committed since. */
  #restarted: Trouble | null = null
  /** What a sink says it cannot store, while its task runs. */
  #unstored: Trouble | null = null

  polled(events: number): void {
    this.events += events
    this.batches++
  }
  ran(durationMs: number): void {
    this.busyMs += durationMs
  }
  produced(events: number, bytes: number): void {
    this.eventsOut += events
    this.bytesOut += bytes
  }
  deadLettered(events: number): void {
    this.deadLetters += events
  }
  committed(position: Position): void {
    this.position = position
    this.#restarted = null
  }
  /** The partition is no longer ours: where it stands is for others to say. */
  unassigned(reason: string | null = null): void {
    this.condition = 'unassigned'
    this.reason = reason
    this.position = null
    this.#restarted = null
    this.#unstored = null
  }
  running(): void {
    this.condition = 'running'
    this.reason = null
    this.#runningSinceMs = performance.now()
    this.#unstored = null
  }
  /** The task failed and will be started again. */
  retrying(reason: string): void {
    this.condition = 'retrying'
    this.reason = reason
    this.retries++
    this.#restarted = { reason, sinceMs: this.#restarted?.sinceMs ?? performance.now() }
  }
  /** Nothing more is read until a person has acted. */
  stopped(reason: string): void {
    this.condition = 'stopped'
    this.reason = reason
    this.errors++
  }
  /** A sink cannot store and tries again by itself; `null`: it can again. */
  storing(reason: string | null): void {
    this.#unstored = reason === null ? null : { reason, sinceMs: this.#unstored?.sinceMs ?? performance.now() }
  }
  /** What has failed for some seconds now, without a success in between. */
  trouble(): Trouble | null {
    const nowMs = performance.now()
    const isOver = this.condition === 'running' && nowMs - this.#runningSinceMs > TROUBLE_MS
    const trouble = this.#unstored ?? (isOver ? null : this.#restarted)
    return trouble !== null && nowMs - trouble.sinceMs > TROUBLE_MS ? trouble : null
  }
}
