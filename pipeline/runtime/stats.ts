/** What a stage or sink has done since the process started, per partition. Numbers only; `/metrics` and UI read them. */
import type { Position } from '../log/log.ts'

export type TaskCondition = 'starting' | 'running' | 'retrying' | 'stopped' | 'revoked'

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
  condition: TaskCondition = 'starting'
  /** Why it is retrying or stopped. */
  reason: string | null = null

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
  }
}
