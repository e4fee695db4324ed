/**
 * What became of every event received: stored, dropped for a reason, or put aside with a code, by project, signal and
 * day. What is still on its way is in the log, not here: `in_flight.ts`.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import { checkStorable } from '#schemas/tables/check_columns.ts'
import { isoDate } from '#schemas/tables/time_text.ts'
import { defineProjection, type TableOf } from './projection.ts'

const DAY_MICROS = 86_400_000_000

export const ledger = defineProjection({
  name: 'ledger',
  columns: {
    project_id: 'text',
    signal: 'text',
    /** On which it was received, UTC. */
    day: 'date',
    /** `received`, `stored`, `dropped:<reason>` or `dead_letter:<code>`. */
    outcome: 'text',
    events: 'bigint',
  },
  key: ['project_id', 'signal', 'day', 'outcome'],
  merge: { events: 'sum' },
  *rows(batch) {
    const { projectId, signal, receivedAt, eventCount, outcomes } = batch
    const of = { project_id: projectId, signal, day: isoDate(Math.floor(receivedAt / DAY_MICROS)) }
    let received = eventCount
    // Dead letters that are treated again, or given up, are taken back by as many: they were received before.
    for (const events of outcomes.values()) received += events
    if (received > 0) yield { ...of, outcome: 'received', events: received }
    if (eventCount > 0) yield { ...of, outcome: isStorable(batch) ? 'stored' : REFUSED, events: eventCount }
    for (const [outcome, events] of outcomes) yield { ...of, outcome, events }
  },
  views: {
    ledger: (table) => sums(table, 'project_id'),
    ledger_days: (table) => sums(table, 'project_id, signal, day'),
  },
})

/** What the lake cannot take, it puts aside. */
const REFUSED = 'dead_letter:sink_refused'

function isStorable(batch: Batch): boolean {
  try {
    checkStorable(batch)
    return true
  } catch {
    return false
  }
}

/** `unaccounted` is 0, or something is wrong: received = stored + dropped + dead-lettered. */
function sums(table: TableOf, by: string): string {
  const events = (where: string) => `coalesce(sum(events) filter (where ${where}), 0)::bigint`
  const each = (prefix: string) =>
    `coalesce(jsonb_object_agg(substr(outcome, ${prefix.length + 1}), events) filter (where outcome like '${prefix}%'), '{}')`
  return `
    select ${by},
      ${events(`outcome = 'received'`)} as received,
      ${events(`outcome = 'stored'`)} as stored,
      ${events(`outcome like 'dropped:%'`)} as dropped,
      ${events(`outcome like 'dead_letter:%'`)} as dead_lettered,
      ${each('dropped:')} as dropped_by_reason,
      ${each('dead_letter:')} as dead_lettered_by_code,
      coalesce(sum(case outcome when 'received' then events else -events end), 0)::bigint as unaccounted
    from (select ${by}, outcome, sum(events)::bigint as events from ${table('ledger')} group by ${by}, outcome) as outcomes
    group by ${by}`
}
