/** What the filter box offers: columns while a name is typed, values with their counts after a comparison. */
import { askRows } from '../api/ask.ts'
import { quoted } from './chips.ts'
import { columns } from './filter.ts'
import { type Selection, valuesSql } from './statements.ts'

export interface Offer {
  /** What is put in place of the text from `from`, characters from 0, to the end. */
  readonly insert: string
  readonly from: number
  readonly label: string
  readonly detail: string
}

const MAX_OFFERS = 10
const OPERAND = `[a-z_][a-z0-9_]*(?:->>'(?:[^']|'')*')?`
const NAME_AT_END = /(?:^|[\s(])([a-z_][a-z0-9_]*)$/i
const VALUE_AT_END = new RegExp(String.raw`(${OPERAND})\s*(?:=|<>|!=|~|\bI?LIKE)\s*('(?:[^']|'')*)?$`, 'i')
/** Asked for first; the rest as the table has them. */
const USUAL = ['level', 'resource___service___name', 'name', 'kind', 'status_code', 'duration']

/** Columns whose name has what is typed; a part anywhere will do. */
export function columnOffers(text: string): Offer[] {
  const typed = NAME_AT_END.exec(text)?.[1].toLowerCase()
  if (typed === undefined) return []
  const rank = (name: string) => (name.startsWith(typed) ? 0 : 1) + (USUAL.includes(name) ? 0 : 0.5)
  return columns
    .filter(({ name, type }) => name.includes(typed) && !type.endsWith('[]') && name !== typed)
    .sort((a, b) => rank(a.name) - rank(b.name))
    .slice(0, MAX_OFFERS)
    .map(({ name, type }) => ({
      insert: type === 'json' ? `${name}->>'` : `${name} `,
      from: text.length - typed.length,
      label: name,
      detail: type,
    }))
}

/** The most frequent values of the column before the comparison, within the selection. @throws Problem */
export async function valueOffers(text: string, selection: Selection, signal: AbortSignal): Promise<Offer[]> {
  const match = VALUE_AT_END.exec(text)
  if (match === null) return []
  const [, operand, typed = ''] = match
  const column = columns.find(({ name }) => name === operand.split('->')[0].toLowerCase())
  if (column === undefined || (column.type === 'json') !== operand.includes('->>')) return []
  const rows = await askRows(valuesSql(selection, operand, 200), [], signal)
  const isText = column.type === 'text' || column.type === 'json'
  const wanted = typed.slice(1).toLowerCase()
  return rows
    .filter(({ value }) => value !== null && String(value).toLowerCase().includes(wanted))
    .slice(0, MAX_OFFERS)
    .map(({ value, events }) => ({
      insert: isText ? quoted(String(value)) : String(value),
      from: text.length - typed.length,
      label: String(value),
      detail: Number(events).toLocaleString('en-US'),
    }))
}

/** A pasted trace id or event id, as the condition it means; null for anything else. */
export function recognised(text: string): string | null {
  const pasted = text.trim()
  if (/^[0-9a-f]{32}$/i.test(pasted)) return `context___trace_id = '${pasted.toLowerCase()}'`
  if (/^[0-9a-f]{16}$/i.test(pasted)) return `context___span_id = '${pasted.toLowerCase()}'`
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(pasted)) return `id = '${pasted}'`
  return null
}
