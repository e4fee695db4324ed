/** Columns to choose from: attributes that the newest events have, then the columns of the table. */
import { askRows } from '../api/ask.ts'
import { quoted } from './chips.ts'
import { columnNamed, USUAL_COLUMNS } from './columns.ts'
import { columns as tableColumns } from './filter.ts'
import { attributeKeysSql, type Selection } from './statements.ts'

export interface ColumnOffer {
  readonly name: string
  readonly title: string
  /** How many of the newest events have it, in percent; else its type. */
  readonly detail: string
}

const NEWEST_EVENTS = 1_000
const MAX_OFFERS = 8

/** @throws Problem */
export async function readColumnOffers(selection: Selection): Promise<ColumnOffer[]> {
  const keys = await askRows(attributeKeysSql(selection, NEWEST_EVENTS))
  const found = keys.map(({ scope, key, events, of }) => ({
    name: `${scope}->>${quoted(String(key))}`,
    title: String(key),
    detail: `${Math.max(1, Math.round((Number(events) / Number(of)) * 100))} %`,
  }))
  const titles = new Set(found.map(({ title }) => title))
  const rest = [...USUAL_COLUMNS, ...tableColumns.map(({ name }) => name)].flatMap((name) => {
    const column = columnNamed(name, tableColumns)!
    const type = tableColumns.find((each) => each.name === name)?.type ?? ''
    return titles.has(column.title) ? [] : [{ name, title: column.title, detail: type }]
  })
  return [...found, ...new Map(rest.map((offer) => [offer.name, offer])).values()]
}

/** Those whose name has what is typed, the ones that begin with it first; not what is shown already. */
export function columnsLike(typed: string, offers: readonly ColumnOffer[], shown: readonly string[]): ColumnOffer[] {
  const wanted = typed.trim().toLowerCase()
  const rank = ({ title }: ColumnOffer) => (title.toLowerCase().startsWith(wanted) ? 0 : 1)
  return offers
    .filter(({ name, title }) => !shown.includes(name) && `${title} ${name}`.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MAX_OFFERS)
}
