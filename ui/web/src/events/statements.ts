/** The statements behind the list. Times are written out, so that a copied statement runs anywhere as it is. */
import { LISTED_COLUMNS, type ListedEvent } from './event.ts'

/** Which events: a range of time (Unix milliseconds) and a condition. */
export interface Selection {
  readonly from: number
  readonly to: number
  /** SQL, `null` for all. */
  readonly where: string | null
}

const FROM = 'FROM otel_logs_and_spans'
export const PAGE_ROWS = 500

const iso = (ms: number) => `'${new Date(ms).toISOString()}'`

export function whereOf({ from, to, where }: Selection): string {
  const range = `timestamp >= ${iso(from)} AND timestamp < ${iso(to)}`
  return where === null ? `WHERE ${range}` : `WHERE ${range}\n  AND (${where})`
}

/** The newest rows of a selection, or those before `before`; newest first. */
export function historySql(
  selection: Selection,
  before?: Pick<ListedEvent, 'id' | 'timestamp'>,
  columns: readonly string[] = LISTED_COLUMNS,
  limit = PAGE_ROWS,
): string {
  // The bound on timestamp alone is what prunes files; the rest breaks ties.
  const older =
    before === undefined
      ? ''
      : `\n  AND timestamp <= '${before.timestamp}' AND (timestamp < '${before.timestamp}' OR id < '${before.id}')`
  return `SELECT ${columns.join(', ')}\n${FROM}\n${whereOf(selection)}${older}\nORDER BY timestamp DESC, id DESC\nLIMIT ${limit}`
}

/** Counts by bar: `bar` from 0, `events`, and of those `warnings` and `errors`. */
export function histogramSql(selection: Selection, barMs: number): string {
  return `SELECT (epoch_us(timestamp) - ${selection.from * 1000}) // ${barMs * 1000} AS bar, count(*) AS events,
  count(*) FILTER (level = 'WARN') AS warnings, count(*) FILTER (level IN ('ERROR', 'FATAL')) AS errors
${FROM}
${whereOf(selection)}
GROUP BY bar
ORDER BY bar`
}

/** The most frequent values of an operand. */
export function valuesSql(selection: Selection, operand: string, limit: number): string {
  return `SELECT CAST(${operand} AS text) AS value, count(*) AS events\n${FROM}\n${whereOf(selection)}\nGROUP BY value\nORDER BY events DESC, value\nLIMIT ${limit}`
}

/** Which attributes the newest events have: `scope`, `key`, in how many `events` of how many (`of`). */
export function attributeKeysSql(selection: Selection, newest: number): string {
  return `WITH newest AS (SELECT attributes, resource ${FROM} ${whereOf(selection)} ORDER BY timestamp DESC LIMIT ${newest}),
keys AS (
  SELECT 'attributes' AS scope, unnest(json_keys(attributes)) AS key FROM newest
  UNION ALL SELECT 'resource' AS scope, unnest(json_keys(resource)) AS key FROM newest
)
SELECT scope, key, count(*) AS events, (SELECT count(*) FROM newest) AS of
FROM keys
GROUP BY scope, key
ORDER BY scope, events DESC, key
LIMIT 500`
}

export function countSql(selection: Selection): string {
  return `SELECT count(*) AS events\n${FROM}\n${whereOf(selection)}`
}

/** When a selection last had an event: `last`, NULL for never. */
export function lastSql(selection: Selection): string {
  return `SELECT max(timestamp) AS last\n${FROM}\n${whereOf(selection)}`
}

/** Everything stored of one event. */
export function eventSql(id: string, timestamp: string): string {
  return `SELECT *\n${FROM}\nWHERE timestamp = '${timestamp}' AND id = '${id}'\nLIMIT 1`
}

/** The spans and logs of a trace that began within `aroundMs` of a moment. */
export function traceSql(traceId: string, from: number, to: number, limit: number): string {
  return `SELECT id, timestamp, parent_id, name, kind, level, status_code, status_message, duration, body,
  resource___service___name, context___span_id, attributes___http___response___status_code, attributes___exception___type, events
${FROM}
WHERE timestamp >= ${iso(from)} AND timestamp < ${iso(to)}
  AND context___trace_id = '${traceId}'
ORDER BY timestamp, id
LIMIT ${limit}`
}

/** A request that asks the same over HTTP; the key stays out of it. */
export function curlOf(sql: string): string {
  const body = JSON.stringify({ sql: sql.replaceAll(/\s*\n\s*/g, ' ') }).replaceAll("'", "'\\''")
  return `curl -s ${location.origin}/v1/query -H "authorization: Bearer $MILLRACE_API_KEY" -H "content-type: application/json" -d '${body}'`
}
