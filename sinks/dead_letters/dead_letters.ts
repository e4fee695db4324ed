/** Dead letters: indexed in PostgreSQL from the topics they stand in, for people to look at and to decide about. */
import type { EventLog } from '#pipeline/log/log.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { DeadLetters } from '#schemas/dead_letters.ts'
import { catchUp } from './catch_up.ts'
import { readGroups, readRows } from './read.ts'
import { deadTopics } from './topics.ts'

/** Read before somebody is answered, and at a time otherwise. */
const MAX_BYTES = 64 * 2 ** 20
const INTERVAL_MS = 5_000

export interface DeadLettersOptions {
  readonly database: Database
  readonly log: EventLog
  readonly topology: Topology
  readonly warn: (message: string) => void
  /** Told of what failed and is being tried again. */
  readonly onError: (error: unknown) => void
}

/** Keeps the index up to date until it is closed, and before every answer. */
export function createDeadLetters(options: DeadLettersOptions): DeadLetters & { close(): Promise<void> } {
  const { database, log, topology, onError } = options
  const topics = deadTopics(topology)
  const known = new Map<string, { next: number; begin: number }>()
  // One at a time here: who asks while it is under way may have missed what came since it began.
  let working: Promise<unknown> = Promise.resolve()
  const upToDate = () => {
    const work = working.then(() => catchUp({ ...options, topics }, known, MAX_BYTES))
    working = work.catch(() => {})
    return work
  }
  const timer = setInterval(() => void upToDate().catch(onError), INTERVAL_MS).unref()
  return {
    async groups(scope, filter, page) {
      await upToDate()
      return readGroups(database, log.id, scope, filter, page)
    },
    async rows(scope, filter, page) {
      await upToDate()
      return readRows({ connection: database, log, topics }, scope, filter, page)
    },
    async close() {
      clearInterval(timer)
      await working
    },
  }
}
