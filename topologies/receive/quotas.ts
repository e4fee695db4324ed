/**
 * What projects may send a day (UTC): events, and bytes of exports. Counted here, where it can still be answered; what
 * earlier runs and other processes have taken is told from outside (`learn`), seconds late: a quota is a fence, not a
 * bill.
 */
import type { ProjectDirectory } from '#schemas/directory.ts'
import type { Clock } from './clock.ts'

const DAY_US = 24 * 3_600 * 1_000_000

/** What a project has sent on a day. */
export interface Usage {
  readonly projectId: string
  readonly events: number
  readonly bytes: number
}

interface Taken {
  /** Here, since the day or the process began. */
  events: number
  bytes: number
  /** Elsewhere or before, as far as known. */
  eventsBefore: number
  bytesBefore: number
}

export type Room =
  | { readonly events: number }
  | { readonly events: 0; readonly reason: string; readonly retryAfterMs: number }

export class Quotas {
  readonly #projects: ProjectDirectory
  readonly #clock: Clock
  /** Of the day `#day`, one for each project that has sent: as many as the directory has. */
  readonly #taken = new Map<string, Taken>()
  #day = 0

  constructor(projects: ProjectDirectory, clock: Clock) {
    this.#projects = projects
    this.#clock = clock
  }

  /** Takes as many of `events` as there is room for. An export is taken while any byte is left of the day's. */
  take(projectId: string, events: number, bytes: number): Room {
    const limits = this.#projects.project(projectId)
    if (limits === null) return { events }
    const taken = this.#of(projectId)
    const { eventsPerDay, bytesPerDay, name } = limits
    const eventsLeft = eventsPerDay === null ? events : Math.max(0, eventsPerDay - taken.events - taken.eventsBefore)
    const bytesLeft = bytesPerDay === null || taken.bytes + taken.bytesBefore < bytesPerDay
    const room = bytesLeft ? Math.min(events, eventsLeft) : 0
    if (room === 0 && events > 0) {
      const quota = bytesLeft ? `${eventsPerDay} events` : `${bytesPerDay} bytes`
      return {
        events: 0,
        reason: `project ${name} has used its quota of ${quota} a day; it begins anew at 00:00 UTC`,
        retryAfterMs: Math.ceil(((this.#day + 1) * DAY_US - this.#clock.now()) / 1000),
      }
    }
    taken.events += room
    taken.bytes += bytes
    return { events: room }
  }

  /** For what was taken and could not be stored. */
  giveBack(projectId: string, events: number, bytes: number): void {
    const taken = this.#of(projectId)
    taken.events = Math.max(0, taken.events - events)
    taken.bytes = Math.max(0, taken.bytes - bytes)
  }

  /**
   * @param usages of the day, all processes together, as far as they are counted yet
   * @param askedAt microseconds since 1970, before it was asked: yesterday's says nothing of today
   */
  learn(usages: Iterable<Usage>, askedAt: number): void {
    if (Math.floor(askedAt / DAY_US) < this.#today()) return
    for (const { projectId, events, bytes } of usages) {
      const taken = this.#of(projectId)
      taken.eventsBefore = Math.max(taken.eventsBefore, events - taken.events)
      taken.bytesBefore = Math.max(taken.bytesBefore, bytes - taken.bytes)
    }
  }

  #today(): number {
    const day = Math.floor(this.#clock.now() / DAY_US)
    // A clock that goes back does not open yesterday again.
    if (day > this.#day) {
      this.#day = day
      this.#taken.clear()
    }
    return this.#day
  }

  #of(projectId: string): Taken {
    this.#today()
    let taken = this.#taken.get(projectId)
    if (taken === undefined) {
      taken = { events: 0, bytes: 0, eventsBefore: 0, bytesBefore: 0 }
      this.#taken.set(projectId, taken)
    }
    return taken
  }
}
