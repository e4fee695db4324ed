/** What the Traces page asks: everything is about root spans, those that no other span began. */
import { type Selection, whereOf } from '../events/statements.ts'

export type Order = 'slowest' | 'newest' | 'failing'

/** Of the heatmap: a stretch of time (Unix milliseconds) and of durations (nanoseconds). */
export interface Area {
  readonly from: number
  readonly to: number
  readonly leastNanos: number
  readonly mostNanos: number
}

export const TRACES_SHOWN = 200
const ROOTS_SHOWN = 60
/** Spans may begin that long after the root. */
const AFTER_MS = 3_600_000
/** Heatmap: so many steps of duration to a power of ten, from a microsecond on. */
export const STEPS_A_DECADE = 5
export const FIRST_DECADE = 3

const FROM = 'FROM otel_logs_and_spans'
const ROOT = `parent_id IS NULL AND kind <> 'log' AND context___trace_id IS NOT NULL`
const and = (one: string, other: string | null) => (other === null ? one : `${one} AND (${other})`)

function rootsWhere(selection: Selection, area: Area | null): string {
  if (area === null) return whereOf({ ...selection, where: and(ROOT, selection.where) })
  const within = `duration >= ${area.leastNanos} AND duration < ${area.mostNanos}`
  return whereOf({ from: area.from, to: area.to, where: and(`${ROOT} AND ${within}`, selection.where) })
}

/** Traces by their root, with what is in them: `trace`, `id`, `timestamp`, `service`, `name`, `duration`, `status_code`, `spans`, `errors`, `services`. */
export function tracesSql(selection: Selection, area: Area | null, order: Order): string {
  const { from, to } = area ?? selection
  const failing = `context___trace_id IN (SELECT context___trace_id ${FROM} ${whereOf({ from, to: to + AFTER_MS, where: "status_code = 'ERROR'" })})`
  const chosen = order === 'failing' ? { ...selection, where: and(failing, selection.where) } : selection
  return `WITH roots AS (
  SELECT id, timestamp, resource___service___name AS service, name, duration, status_code, context___trace_id AS trace
  ${FROM}
  ${rootsWhere(chosen, area)}
  ORDER BY ${order === 'slowest' ? 'duration' : 'timestamp'} DESC, id DESC
  LIMIT ${TRACES_SHOWN}
),
inside AS (
  SELECT context___trace_id AS trace, count(*) AS spans, count(*) FILTER (status_code = 'ERROR') AS errors,
    list_sort(list(DISTINCT resource___service___name)) AS services
  ${FROM}
  ${whereOf({ from, to: to + AFTER_MS, where: `kind <> 'log' AND context___trace_id IN (SELECT trace FROM roots)` })}
  GROUP BY context___trace_id
)
SELECT roots.trace, id, timestamp, service, name, duration, status_code, spans, errors, services
FROM roots LEFT JOIN inside ON roots.trace = inside.trace
ORDER BY ${order === 'slowest' ? 'duration' : 'timestamp'} DESC, id DESC`
}

/** By service and name of the root: how many, how slow, how many failed. */
export function rootsSql(selection: Selection, area: Area | null): string {
  return `SELECT resource___service___name AS service, name, count(*) AS traces,
  count(*) FILTER (status_code = 'ERROR') AS errors,
  approx_quantile(duration, 0.5) AS p50, approx_quantile(duration, 0.95) AS p95
${FROM}
${rootsWhere(selection, area)}
GROUP BY service, name
ORDER BY traces DESC, service, name
LIMIT ${ROOTS_SHOWN}`
}

/** Counts by `bar` of time and `step` of duration, and of those that failed. */
export function heatSql(selection: Selection, barMs: number): string {
  const step = `CAST(floor(log10(greatest(duration, 1000)) * ${STEPS_A_DECADE}) AS integer) - ${FIRST_DECADE * STEPS_A_DECADE}`
  return `SELECT (epoch_us(timestamp) - ${selection.from * 1000}) // ${barMs * 1000} AS bar, ${step} AS step,
  count(*) AS traces, count(*) FILTER (status_code = 'ERROR') AS errors
${FROM}
${rootsWhere(selection, null)}
GROUP BY bar, step`
}

export function rootCountSql(selection: Selection): string {
  return `SELECT count(*) AS traces\n${FROM}\n${rootsWhere(selection, null)}`
}
