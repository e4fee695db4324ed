/** Facets: of a few columns, the most frequent values among the events in view, asked for in one statement. */
import type { Row } from '../api/ask.ts'
import { operandOf } from './chips.ts'
import { type Column, isUsual, SERVICE } from './columns.ts'
import { type Selection, whereOf } from './statements.ts'

export interface Facet {
  /** What the filter language calls it. */
  readonly operand: string
  readonly title: string
}

export interface FacetValue {
  /** `null` for the events that have none. */
  readonly value: string | null
  readonly events: number
}

export const VALUES_SHOWN = 7
export const MAX_FACETS = 16

const ALWAYS: readonly Facet[] = [
  { operand: 'level', title: 'Level' },
  { operand: SERVICE, title: 'Service' },
  { operand: 'kind', title: 'Kind' },
  { operand: 'name', title: 'Name' },
  { operand: "attributes->>'http.route'", title: 'http.route' },
  { operand: 'attributes___http___response___status_code', title: 'http.response.status_code' },
  { operand: 'resource___deployment___environment___name', title: 'deployment.environment.name' },
]

/** The usual ones, and every column added to the list that can hold one value twice. */
export function facetsOf(columns: readonly Column[]): Facet[] {
  const added = columns
    .filter(({ name, type }) => !isUsual(name) && !/json|\[\]|timestamptz/.test(type))
    .map(({ name, title }) => ({ operand: name, title }))
  const known = new Set(ALWAYS.map(({ operand }) => operand))
  return [...ALWAYS, ...added.filter(({ operand }) => !known.has(operand))].slice(0, MAX_FACETS)
}

/** Stands for NULL while values are grouped: no OTLP text has this character (U+E000, private use) alone. */
const NONE = '\uE000'

/** A chip with its SQL. */
export interface CompiledChip {
  readonly chip: string
  readonly where: string
}

/**
 * Top values of all facets in one pass over the events. The conditions on a facet's own operand do not count for it, so
 * that the values one could choose instead stay in sight.
 * @param selection what holds for all of them: the range and what no facet owns
 */
export function facetsSql(facets: readonly Facet[], selection: Selection, chips: readonly CompiledChip[]): string {
  const owners = facets.map(({ operand }) => chips.filter(({ chip }) => operandOf(chip) === operand))
  const owned = owners.map((own, at) => ({ own, at })).filter(({ own }) => own.length > 0)
  const shared = chips.filter((chip) => !owners.some((own) => own.includes(chip)))
  const conditions = [selection.where, ...shared.map(({ where }) => where)].filter((where) => where !== null)
  const where = whereOf({
    ...selection,
    where: conditions.length === 0 ? null : conditions.map((each) => `(${each})`).join(' AND '),
  })
  const values = facets.map(({ operand }, at) => `coalesce(CAST(${operand} AS text), '${NONE}') AS v${at}`)
  const holds = owned.map(({ own, at }) => `(${own.map((chip) => `(${chip.where})`).join(' AND ')}) AS c${at}`)
  const names = facets.map((_, at) => `v${at}`)
  // Events that meet the conditions of all facets but this one.
  const countsFor = (at: number) => {
    const others = owned.filter((each) => each.at !== at).map((each) => `c${each.at}`)
    return others.length === 0 ? 'count(*)' : `count(*) FILTER (${others.join(' AND ')})`
  }
  const counts = names.map((name, at) => `WHEN ${name} IS NOT NULL THEN ${countsFor(at)}`)
  return `SELECT facet, value, events
FROM (
  SELECT CASE ${names.map((name, at) => `WHEN ${name} IS NOT NULL THEN ${at}`).join(' ')} END AS facet,
    coalesce(${names.join(', ')}) AS value,
    CASE ${counts.join(' ')} END AS events
  FROM (
    SELECT ${[...values, ...holds].join(',\n      ')}
    FROM otel_logs_and_spans
    ${where}
  ) AS chosen
  GROUP BY GROUPING SETS (${names.map((name) => `(${name})`).join(', ')})
) AS counted
WHERE events > 0
QUALIFY row_number() OVER (PARTITION BY facet ORDER BY events DESC, value) <= ${VALUES_SHOWN}
ORDER BY facet, events DESC, value`
}

/** By facet, the most frequent first, those without a value last. */
export function facetValues(facets: readonly Facet[], rows: readonly Row[]): FacetValue[][] {
  const found: FacetValue[][] = facets.map(() => [])
  for (const { facet, value, events } of rows)
    found[Number(facet)]?.push({ value: value === NONE ? null : String(value), events: Number(events) })
  return found.map((values) => values.sort((a, b) => Number(a.value === null) - Number(b.value === null)))
}
