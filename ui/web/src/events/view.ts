/** What the Events page shows, as the URL says it. */
import { type Accessor, createMemo, on } from 'solid-js'
import { parseRange, type Range, rangeText } from '../format/time.ts'
import { param, params, setParams } from '../shell/router.ts'
import { chipsOf, filterOf, withChip } from './chips.ts'
import { type Column, columnNamed, MAX_COLUMNS, USUAL_COLUMNS } from './columns.ts'
import { columns as tableColumns } from './filter.ts'
import type { Place } from './windows.ts'

export type Signals = 'all' | 'logs' | 'spans'

const DEFAULT_RANGE: Range = { lastMs: 15 * 60_000 }
const SIGNAL_FILTER: Readonly<Record<Signals, string | null>> = {
  all: null,
  logs: "kind = 'log'",
  spans: "NOT kind = 'log'",
}

/** The same object until what it says changes: whatever else the URL holds, nothing is read anew for it. */
const derived = <T>(read: () => T): Accessor<T> => {
  const text = createMemo(() => JSON.stringify(read()))
  return createMemo(on(text, read))
}

export const filter = createMemo(() => param('filter') ?? '')
/** Conditions switched off but kept. */
export const off = derived(() => params('off'))
export const signals = createMemo<Signals>(() => {
  const shown = param('show')
  return shown === 'logs' || shown === 'spans' ? shown : 'all'
})
export const range = derived<Range>(() => parseRange(param('range') ?? '') ?? DEFAULT_RANGE)
/** Where a paused or shared relative range ends, Unix milliseconds; `null`: it ends now. */
export const until = createMemo(() => {
  const at = Date.parse(param('until') ?? '')
  return Number.isNaN(at) ? null : at
})
/** A relative range that ends now goes on by itself. */
export const isLive = createMemo(() => 'lastMs' in range() && until() === null)
export const openRow = derived(() => {
  const [id, at] = (param('row') ?? '').split('@')
  return id === '' || at === undefined ? null : { id, timestamp: at }
})

/** The columns of the list, in their order. */
export const columns = derived<readonly Column[]>(() => {
  const asked = params('column')
  const names = [...new Set(asked.length === 0 ? USUAL_COLUMNS : asked)].slice(0, MAX_COLUMNS)
  const found = names.map((name) => columnNamed(name, tableColumns)).filter((column) => column !== null)
  return found.length > 0 ? found : USUAL_COLUMNS.map((name) => columnNamed(name, tableColumns)!)
})
/** Whether long lines wrap. */
export const wraps = createMemo(() => param('wrap') !== null)
const isWide = matchMedia('(min-width: 1101px)')
/** Whether the facets stand beside the list; until told otherwise, where there is room. */
export const showsFacets = createMemo(() => (param('facets') === null ? isWide.matches : param('facets') === 'on'))
/** The condition that the choice of signals is: the same in the filter language and in SQL. */
export const signalsWhere = (): string | null => SIGNAL_FILTER[signals()]
/** The filter of the page, the choice of signals included, in the filter language. */
export const wholeFilter = createMemo(() => {
  const chosen = signalsWhere()
  return filterOf([...(chosen === null ? [] : [chosen]), ...chipsOf(filter())])
})

export const setFilter = (chips: readonly string[], offChips: readonly string[] = off()): void =>
  setParams({ filter: chips.length === 0 ? null : filterOf(chips), off: offChips })
export const addChip = (chip: string): void => {
  const chips = chipsOf(filter())
  if (!chips.includes(chip)) setFilter(withChip(chips, chip))
}
export const setSignals = (shown: Signals): void => setParams({ show: shown === 'all' ? null : shown })
export const setRange = (next: Range): void => setParams({ range: rangeText(next), until: null })
export const setPlace = ({ range, until }: Place): void =>
  setParams({ range: rangeText(range), until: until === null ? null : new Date(until).toISOString() })

export const setOpenRow = (row: { readonly id: string; readonly timestamp: string } | null, step = false): void =>
  setParams({ row: row === null ? null : `${row.id}@${row.timestamp}` }, step)
export const setUntil = (at: number | null): void =>
  setParams({ until: at === null ? null : new Date(at).toISOString() }, false)

export const setColumns = (names: readonly string[]): void =>
  setParams({ column: names.join() === USUAL_COLUMNS.join() ? null : names })

export const setShowsFacets = (shows: boolean): void =>
  setParams({ facets: shows === isWide.matches ? null : shows ? 'on' : 'off' }, false)

export const setWraps = (wrap: boolean): void => setParams({ wrap: wrap ? '' : null }, false)

/** The same view, ended at a moment. */
export function linkUntil(at: number): string {
  const link = new URL(location.href)
  link.searchParams.set('until', new Date(at).toISOString())
  return link.href
}
