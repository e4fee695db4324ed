/** What the projections say, as plain rows: the live generation's, through its views. */
import type { Connection } from '#pipeline/postgres/database.ts'
import type { LedgerRow, ServiceRow, UsageRow } from '#schemas/projections.ts'

/** Readers take what they show: the newest. */
const MAX_ROWS = 1000

/** The services of a project, the last seen first. @param limit rows at most @throws as `Connection.query` */
export async function readServices(
  connection: Connection,
  projectId: string,
  limit = MAX_ROWS,
): Promise<readonly ServiceRow[]> {
  return rowsOf<ServiceRow>(
    connection,
    `select service_namespace as namespace, service_name as name, service_version as version, sdk_name as "sdkName",
      sdk_language as "sdkLanguage", sdk_version as "sdkVersion", ${micros('first_seen')} as "firstSeen",
      ${micros('last_seen')} as "lastSeen", logs, spans, metrics, errors, events_per_second as "eventsPerSecond",
      errors_per_second as "errorsPerSecond", owner, description
    from services where project_id = $1 order by last_seen desc, service_namespace, service_name limit $2`,
    [projectId, limit],
  )
}

/** The usage of a project by signal and hour, the newest first. @param limit rows at most @throws as `Connection.query` */
export async function readUsage(
  connection: Connection,
  projectId: string,
  limit = MAX_ROWS,
): Promise<readonly UsageRow[]> {
  return rowsOf<UsageRow>(
    connection,
    `select signal, ${micros('hour')} as hour, events, bytes from usage
    where project_id = $1 order by usage.hour desc, signal limit $2`,
    [projectId, limit],
  )
}

/** What became of all events of a project up to where the sink stands. @throws as `Connection.query` */
export async function readLedger(connection: Connection, projectId: string): Promise<LedgerRow> {
  const [row] = await rowsOf<LedgerRow>(connection, `select ${ledgerFields} from ledger where project_id = $1`, [
    projectId,
  ])
  return row ?? NOTHING
}

/**
 * What every project has sent since 00:00 UTC, up to where the sink stands.
 * @param nowMs milliseconds since 1970
 * @throws as `Connection.query`
 */
export async function readUsageToday(
  connection: Connection,
  nowMs: number,
): Promise<readonly { readonly projectId: string; readonly events: number; readonly bytes: number }[]> {
  return rowsOf(
    connection,
    `select project_id as "projectId", sum(events) as events, sum(bytes) as bytes from usage
    where hour >= date_trunc('day', to_timestamp($1::double precision / 1000), 'UTC') group by project_id`,
    [nowMs],
  )
}

/** PostgreSQL's code (appendix A) where there is no such table or view. */
const UNDEFINED_TABLE = '42P01'

/** None where no generation of the projections was made yet: then nothing was stored. @throws as `Connection.query` */
export async function rowsOf<Row extends object>(
  connection: Connection,
  sql: string,
  params: readonly unknown[],
): Promise<Row[]> {
  try {
    return await connection.query<Row>(sql, params)
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return []
    throw error
  }
}

/** {@link LedgerRow} from the view `ledger`. */
export const ledgerFields = `received, stored, dropped, dead_lettered as "deadLettered", dropped_by_reason as "droppedByReason",
  dead_lettered_by_code as "deadLetteredByCode", unaccounted`

/** Of a project that has sent nothing. */
export const NOTHING: LedgerRow = {
  received: 0,
  stored: 0,
  dropped: 0,
  deadLettered: 0,
  droppedByReason: {},
  deadLetteredByCode: {},
  unaccounted: 0,
}

function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`
}
