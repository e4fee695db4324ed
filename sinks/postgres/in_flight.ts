/**
 * The whole account of a project: the ledger in PostgreSQL, and what is still on its way, which only the log knows: events
 * of raw records that the sink has not come to.
 */
import type { Origin } from '#pipeline/batch/batch.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import type { Connection } from '#pipeline/postgres/database.ts'
import type { Account, LedgerRow } from '#schemas/projections.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { ledgerFields, NOTHING, rowsOf } from './read.ts'
import { SINK, type SinkPosition } from './store.ts'

type Log = Pick<EventLog, 'id' | 'topics' | 'read'>

const PAGE_BYTES = 2 ** 20
const MAX_BYTES = 64 * 2 ** 20

/**
 * @param maxBytes of raw records read, all partitions together; a page more may be
 * @throws as `Connection.query` and `EventLog.read`
 */
export async function readAccount(
  connection: Connection,
  log: Log,
  projectId: string,
  maxBytes = MAX_BYTES,
): Promise<Account> {
  // One statement sees one moment: rows and positions fit.
  const [found] = await rowsOf<{ ledger: LedgerRow | null; positions: SinkPosition[] }>(
    connection,
    `select
      (select to_jsonb(found) from (select ${ledgerFields} from ledger where project_id = $1) as found) as ledger,
      (select coalesce(jsonb_agg(found), '[]') from (
        select log, topic, partition, reached from sink_positions as stands
        join generations on coalesce(projections, generations.generation) = stands.generation
        where live and sink = $2) as found) as positions`,
    [projectId, SINK],
  )
  const { ledger, positions } = found ?? { ledger: null, positions: [] }
  const counted = await countRaw(log, projectId, reachedIn(log, positions), maxBytes)
  return { ledger: ledger ?? NOTHING, ...counted }
}

/** By partition of the raw topic. */
function reachedIn(log: Log, positions: readonly SinkPosition[]): ReadonlyMap<number, number> {
  const ours = positions.filter((position) => position.log === log.id && position.topic === telemetryRaw.name)
  return new Map(ours.map(({ partition, reached }) => [partition, reached]))
}

async function countRaw(
  log: Log,
  projectId: string,
  reached: ReadonlyMap<number, number>,
  maxBytes: number,
): Promise<Omit<Account, 'ledger'>> {
  const raw = (await log.topics()).find(({ name }) => name === telemetryRaw.name)
  let inFlight = 0
  let bytes = 0
  for (const { partition, begin, end } of raw?.bounds ?? []) {
    let offset = Math.max(begin, (reached.get(partition) ?? -1) + 1)
    while (offset < end) {
      if (bytes >= maxBytes) return { inFlight, complete: false }
      const page = await log.read(telemetryRaw.name, partition, offset, { maxBytes: PAGE_BYTES })
      for (const record of page) {
        bytes += record.value.length
        const place = { log: log.id, topic: telemetryRaw.name, partition, offset: record.offset, previous: -1 }
        inFlight += eventsOf(projectId, record.value, place)
      }
      if (page.length === 0) break
      offset = page[page.length - 1].offset + 1
    }
  }
  return { inFlight, complete: true }
}

/** None of a record that cannot be read: nobody knows whose they were, and it is a dead letter of one. */
function eventsOf(projectId: string, bytes: Uint8Array, place: Origin): number {
  try {
    const value = telemetryRaw.codec.decode(bytes, place)
    return value.projectId === projectId ? value.eventCount : 0
  } catch {
    return 0
  }
}
