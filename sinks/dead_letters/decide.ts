/** Somebody decides about dead letters: a mark in the index, in their transaction. `carry_out.ts` does the rest. */
import { InvariantError } from '#pipeline/errors/errors.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import type { Transaction } from '#pipeline/postgres/database.ts'
import { UNREADABLE } from '#pipeline/runtime/dead_letters.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { DeadLetterFilter, DeadLetterScope, Decided, Decision } from '#schemas/dead_letters.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { matching } from './read.ts'

/** Told when a decision is there to be carried out. */
export const DECIDED_CHANNEL = 'dead_letters_decided'

export interface DecideOptions {
  readonly log: Pick<EventLog, 'id' | 'topics'>
  readonly topology: Pick<Topology, 'stages' | 'sinks'>
}

/** Why some cannot be treated again: a condition over `dead_letters`, after that of the filter. */
interface Obstacle {
  readonly where: string
  readonly params: readonly unknown[]
  readonly reason: string
}

/** Two at the same time: the second waits for the first, and finds nothing that is open. */
export async function decide(
  { log, topology }: DecideOptions,
  transaction: Transaction,
  scope: DeadLetterScope,
  filter: Omit<DeadLetterFilter, 'state'>,
  decision: Decision,
): Promise<Decided> {
  const raw = (await log.topics()).find(({ name }) => name === telemetryRaw.name)
  if (raw === undefined) throw new InvariantError(`there is no topic ${telemetryRaw.name}`)
  const [where, params] = matching(log.id, scope, { ...filter, state: 'open' })
  const begins = raw.bounds.map(({ begin }) => begin)
  const obstacles = decision === 'discard' ? [] : obstaclesTo(topology, begins)
  const refused: { reason: string; events: number }[] = []
  let free = where
  const all = [...params]
  for (const obstacle of obstacles) {
    const own = obstacle.where.replaceAll(/\?(\d)/g, (_, at) => `$${all.length + Number(at)}`)
    all.push(...obstacle.params)
    const [{ events }] = await transaction.query<{ events: number }>(
      `select coalesce(sum(events), 0)::bigint as events from dead_letters where ${free} and ${own}`,
      all,
    )
    if (events > 0) refused.push({ reason: obstacle.reason, events })
    free += ` and not ${own}`
  }
  const at = all.length
  // From where on a record of this decision may stand in the log: nothing has been appended yet.
  const [decided] = await transaction.query<{ events: number; records: number }>(
    `with marked as (
       update dead_letters set state = $${at + 1}, decided_at = now(),
         pending_from = case when project_id is null then null else ($${at + 2}::bigint[])[raw_partition + 1] end
       where ${free} returning events, topic, partition, "offset")
     select coalesce(sum(events), 0)::bigint as events, count(distinct (topic, partition, "offset")) as records from marked`,
    [...all, decision === 'requeue' ? 'requeued' : 'discarded', raw.bounds.map(({ end }) => end)],
  )
  await transaction.query(`notify ${DECIDED_CHANNEL}`)
  return { ...decided, refused }
}

/** @param begins of the raw topic, by partition */
function obstaclesTo({ stages, sinks }: DecideOptions['topology'], begins: readonly number[]): readonly Obstacle[] {
  const names = [...stages, ...sinks].map(({ name }) => name)
  const first = stages.filter(({ consumes }) => consumes.source).map(({ name }) => name)
  return [
    {
      where: '(code = ?1 or project_id is null)',
      params: [UNREADABLE],
      reason: 'a record that cannot be read cannot be treated again: look at its bytes, then discard it',
    },
    {
      where: '(stage <> all (?1::text[]))',
      params: [names],
      reason: `the stage is not there any more: put it back, or discard them (there are ${names.join(', ')})`,
    },
    {
      where: '(stage = any (?1::text[]) and raw_offset < (?2::bigint[])[raw_partition + 1])',
      params: [first, begins],
      reason: `what they were received in is not kept any more in ${telemetryRaw.name}`,
    },
  ]
}
