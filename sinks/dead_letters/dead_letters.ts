/** Dead letters: indexed in PostgreSQL from the topics they stand in, for people to look at and to decide about. */
import type { EventLog, SchemaRegistry } from '#pipeline/log/log.ts'
import type { Database, Transaction } from '#pipeline/postgres/database.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { DeadLetters } from '#schemas/dead_letters.ts'
import { accept } from './accept.ts'
import { carryOut } from './carry_out.ts'
import { catchUp } from './catch_up.ts'
import { DECIDED_CHANNEL, decide } from './decide.ts'
import { readGroups, readRows } from './read.ts'
import { deadTopics } from './topics.ts'

/** Read before somebody is answered, and at a time otherwise. */
const MAX_BYTES = 64 * 2 ** 20
const INTERVAL_MS = 5_000

export interface DeadLettersOptions {
  readonly database: Database
  readonly log: EventLog & SchemaRegistry
  readonly topology: Topology
  readonly warn: (message: string) => void
  /** Told of what failed and is being tried again. */
  readonly onError: (error: unknown) => void
}

/** Keeps the index up to date until it is closed, and before every answer; carries out what was decided. */
export function createDeadLetters(options: DeadLettersOptions): DeadLetters & { close(): Promise<void> } {
  const { database, log, topology, onError } = options
  const topics = deadTopics(topology)
  const known = new Map<string, { next: number; begin: number }>()
  // One at a time here: who asks while it is under way may have missed what came since it began.
  let working: Promise<unknown> = Promise.resolve()
  let closed = false
  let schemaId: ((topic: string) => number) | undefined
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = working.then(work)
    working = result.catch(() => {})
    return result
  }
  const upToDate = () => inTurn(() => catchUp({ ...options, topics }, known, MAX_BYTES))
  const carriedOut = () =>
    inTurn(async () => {
      schemaId ??= await schemaIds(log, topology)
      while (!closed && (await carryOut({ ...options, topics, schemaId }))) {}
    })
  const timer = setInterval(() => {
    upToDate().then(carriedOut).catch(onError)
  }, INTERVAL_MS).unref()
  const unlisten = database.listen(DECIDED_CHANNEL, () => void carriedOut().catch(onError))
  return {
    async groups(scope, filter, page) {
      await upToDate()
      return readGroups(database, log.id, scope, filter, page)
    },
    async rows(scope, filter, page) {
      await upToDate()
      return readRows({ connection: database, log, topics }, scope, filter, page)
    },
    async decide(transaction, scope, filter, decision) {
      // About what has come until now, in their transaction; `known` is of what was committed.
      const database = { transaction: <T>(work: (own: Transaction) => Promise<T>) => work(transaction) }
      await catchUp({ ...options, topics, database }, new Map(known), MAX_BYTES)
      return decide({ log, topology }, transaction, scope, filter, decision)
    },
    async accept(transaction, part, until) {
      if (![...topology.stages, ...topology.sinks].some(({ name }) => name === part)) return false
      await accept(transaction, part, until)
      return true
    },
    async close() {
      closed = true
      clearInterval(timer)
      unlisten()
      await working
    },
  }
}

/** Registered already by whoever writes the topics: asking again gives their ids. */
async function schemaIds(registry: SchemaRegistry, { topics }: Topology): Promise<(topic: string) => number> {
  const ids = new Map<string, number>()
  for (const { name, codec } of topics) ids.set(name, await registry.register(`${name}-value`, codec.schema))
  return (topic) => ids.get(topic)!
}
