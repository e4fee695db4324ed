/** Which services are shown, in which order. */
import type { ServiceAnswer } from '#ui/server/api/projection_routes.ts'

export type Order =
  | 'name'
  | 'version'
  | 'sdk'
  | 'seen'
  | 'rate'
  | 'error_rate'
  | 'logs'
  | 'spans'
  | 'metrics'
  | 'errors'
  | 'owner'

interface Ordered {
  readonly by: Order
  /** Of the column. */
  readonly name: string
  /** Numbers and times: the highest first. */
  readonly numeric: boolean
  readonly of: (service: ServiceAnswer) => number | string
}

/** The columns, in their order. */
export const ORDERS: readonly Ordered[] = [
  { by: 'name', name: 'Service', numeric: false, of: ({ name }) => name },
  { by: 'version', name: 'Version', numeric: false, of: ({ version }) => version ?? '' },
  { by: 'sdk', name: 'SDK', numeric: false, of: ({ sdk_language }) => sdk_language ?? '' },
  { by: 'seen', name: 'Last seen', numeric: true, of: ({ last_seen }) => Date.parse(last_seen) },
  { by: 'rate', name: 'Rate', numeric: true, of: ({ events_per_second }) => events_per_second },
  { by: 'error_rate', name: 'Error rate', numeric: true, of: ({ errors_per_second }) => errors_per_second },
  { by: 'logs', name: 'Logs', numeric: true, of: ({ logs }) => logs },
  { by: 'spans', name: 'Spans', numeric: true, of: ({ spans }) => spans },
  { by: 'metrics', name: 'Metrics', numeric: true, of: ({ metrics }) => metrics },
  { by: 'errors', name: 'Errors', numeric: true, of: ({ errors }) => errors },
  { by: 'owner', name: 'Owner', numeric: false, of: ({ owner }) => owner ?? '' },
]

export const keyOf = ({ namespace, name }: Pick<ServiceAnswer, 'namespace' | 'name'>): string =>
  namespace === '' ? name : `${namespace}/${name}`

/** Those with the text in name, namespace or owner. Empty texts last; equal ones by name. */
export function shownServices(services: readonly ServiceAnswer[], like: string, order: Order): ServiceAnswer[] {
  const wanted = like.trim().toLowerCase()
  const { of, numeric } = ORDERS.find(({ by }) => by === order)!
  return services
    .filter((service) => `${keyOf(service)} ${service.owner ?? ''}`.toLowerCase().includes(wanted))
    .sort((a, b) => compare(of(a), of(b), numeric) || compare(keyOf(a), keyOf(b), false))
}

function compare(a: number | string, b: number | string, numeric: boolean): number {
  if (numeric) return Number(b) - Number(a)
  if (a === '' || b === '') return Number(a === '') - Number(b === '')
  return a < b ? -1 : Number(a > b)
}
