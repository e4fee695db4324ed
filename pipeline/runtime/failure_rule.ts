/**
 * When failing is a fault of the stage and not of the events it was given: then its partition stops before everything that
 * comes is put aside.
 *
 * Counted is what the stage failed at (it threw, gave what is no batch, took too long) and what a sink refused: not what a
 * stage decided about an event (`deadLetter`, `malformed`), which says something about the event. And since whoever sends
 * may have found what makes a stage throw, it must have failed at the batches of more than one project in a row, or of the
 * only one there is: nobody can stop the others' events.
 */
import type { Batch, Signal } from '../batch/batch.ts'
import { DEAD_LETTER_CODE, DEAD_LETTER_DETAIL } from '../batch/batch.ts'
import { valueAt } from '../batch/column.ts'

/** Batches of one signal in a row, more than half of each of them … */
const MIN_BATCHES = 3
/** … and so many events together: of a few, one can be half. */
const MIN_EVENTS = 10
const CODES = ['stage_failed', 'sink_refused']

/** What the rule has to be told from outside. */
export interface FailurePolicy {
  /** How many projects there are. */
  projects(): number
  /** Until when somebody has said that a stage or sink goes on failing, ms since 1970; `null`: nobody has. */
  acceptedUntil(part: string): Promise<number | null>
}

/** A stage fails at nearly everything it is given. Nothing of what it failed at last has been put aside. */
export class FailingError extends Error {
  override readonly name = 'FailingError'
}

interface Streak {
  batches: number
  events: number
  readonly projects: Set<string>
}

/** Of one stage or sink. */
export class FailureRule {
  readonly #part: string
  readonly #projects: () => number
  readonly #streaks = new Map<string, Streak>()
  #suspendedUntil = 0

  constructor(part: string, policy: Pick<FailurePolicy, 'projects'> = { projects: () => 1 }) {
    this.#part = part
    this.#projects = () => policy.projects()
  }

  /** Lets it fail. @param untilMs since 1970 */
  suspend(untilMs: number): void {
    this.#suspendedUntil = untilMs
    this.#streaks.clear()
  }

  /**
   * Hears of every batch given to the part, in order.
   * @throws FailingError where it is taken for a fault of the part's own
   */
  ran(
    {
      projectId,
      signal,
      eventCount,
      origin,
    }: Pick<Batch, 'eventCount' | 'origin'> & { projectId?: string; signal?: Signal },
    deadLetters: Batch | undefined,
  ): void {
    if (eventCount === 0) return
    const key = `${origin.partition} ${signal}`
    const failed = failures(deadLetters)
    if (failed.events * 2 <= eventCount) {
      this.#streaks.delete(key)
      return
    }
    const streak = this.#streaks.get(key) ?? { batches: 0, events: 0, projects: new Set() }
    this.#streaks.set(key, streak)
    streak.batches++
    streak.events += failed.events
    // More are not told apart: two are enough.
    if (streak.projects.size < 2) streak.projects.add(projectId ?? '')
    const isWide = streak.projects.size > 1 || this.#projects() <= 1
    if (streak.batches < MIN_BATCHES || streak.events < MIN_EVENTS || !isWide || Date.now() < this.#suspendedUntil)
      return
    const { batches } = streak
    this.#streaks.delete(key)
    throw new FailingError(
      `${this.#part} failed at more than half of the events of ${batches} batches in a row, the last time saying: ${failed.detail}. ` +
        'That is taken for a fault of its own, so it has stopped; nothing is lost. Mend it and restart, or let it go on putting ' +
        `aside what it fails at: millrace dlq accept ${this.#part}`,
    )
  }
}

function failures(deadLetters: Batch | undefined): { readonly events: number; readonly detail: string } {
  const codes = deadLetters?.columns.get(DEAD_LETTER_CODE)
  if (deadLetters === undefined || codes === undefined) return { events: 0, detail: '' }
  const rows = Array.from({ length: deadLetters.eventCount }, (_, row) => row)
  const failed = rows.filter((row) => CODES.includes(String(valueAt(codes, row))))
  const details = deadLetters.columns.get(DEAD_LETTER_DETAIL)
  const detail = failed.length === 0 || details === undefined ? '' : String(valueAt(details, failed[0]) ?? '')
  return { events: failed.length, detail: detail.slice(0, 200) }
}
