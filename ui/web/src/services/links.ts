/** Where the numbers of a service lead: to its rows. */
import { equals } from '../events/chips.ts'
import { SERVICE } from '../events/columns.ts'
import { linkTo } from '../shell/router.ts'

/** What OpenTelemetry has a service without a name be called; its rows may have none. */
const UNKNOWN = 'unknown_service'
const NAMESPACE = 'resource___service___namespace'
const MINUTE_MS = 60_000

export interface Seen {
  readonly namespace: string
  readonly name: string
  readonly first_seen: string
  readonly last_seen: string
}

export type Door = 'all' | 'recent' | 'logs' | 'spans' | 'metrics' | 'errors' | 'recent errors'

const ERRORS = "level IN ('ERROR', 'FATAL')"

/** The rows of a service as one condition of the filter language. */
export function conditionOf({ namespace, name }: Pick<Seen, 'namespace' | 'name'>): string {
  const named = name === UNKNOWN ? `(${equals(SERVICE, name)} OR ${SERVICE} IS NULL)` : equals(SERVICE, name)
  return namespace === '' ? named : `${named} AND ${equals(NAMESPACE, namespace)}`
}

export function linkOf(service: Seen, number: Door): string {
  const condition = conditionOf(service)
  if (number === 'metrics') {
    const sql = `select timestamp, metric_name, value from otel_metrics where ${condition} order by timestamp desc limit 100`
    return linkTo('/sql', { sql })
  }
  const isRecent = number === 'recent' || number === 'recent errors'
  const isError = number === 'errors' || number === 'recent errors'
  return linkTo('/events', {
    filter: isError ? `${condition} AND ${ERRORS}` : condition,
    show: number === 'logs' || number === 'spans' ? number : null,
    range: isRecent ? '-1h' : wholeRange(service),
  })
}

/** As long as it was seen, whole minutes; rows carry their sender's clock, which may differ from ours by a few. */
function wholeRange({ first_seen, last_seen }: Seen): string {
  const from = Math.floor(Date.parse(first_seen) / MINUTE_MS - 5) * MINUTE_MS
  const to = Math.ceil(Date.parse(last_seen) / MINUTE_MS + 5) * MINUTE_MS
  return `${new Date(from).toISOString()}/${new Date(to).toISOString()}`
}
