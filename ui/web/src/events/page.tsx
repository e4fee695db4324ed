/** Events: what is happening now, and is it worse than before. */
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from 'solid-js'
import { count } from '../format/numbers.ts'
import { useCommands } from '../shell/commands.ts'
import { Icon } from '../shell/icons.tsx'
import { useKeys } from '../shell/keyboard.ts'
import { navigate } from '../shell/router.ts'
import { brush, moveWindow, setBrush, zoomIn, zoomOut } from './brush.ts'
import { type Conditions, cellConditions, conditionsOf } from './cells.ts'
import { readColumnOffers } from './column_offers.ts'
import { SERVICE, withColumn } from './columns.ts'
import { ColumnsMenu } from './columns_menu.tsx'
import { useCopyKeys } from './copy_keys.ts'
import { Dock } from './dock.tsx'
import { Drawer, traceLink } from './drawer.tsx'
import { Empty } from './empty.tsx'
import type { ListedEvent } from './event.ts'
import { FacetPanel } from './facet_panel.tsx'
import { isMark } from './feed.ts'
import { FilterBox } from './filter_box.tsx'
import { focusedConditions } from './focused_field.ts'
import { Histogram } from './histogram.tsx'
import { EventList, type ListControl } from './list.tsx'
import { RangePicker } from './range_picker.tsx'
import { createStream } from './stream.ts'
import * as view from './view.ts'
import '../style/events.css'

const ANNOUNCE_MS = 10_000
const SIGNALS: readonly (readonly [shown: view.Signals, name: string])[] = [
  ['all', 'Logs and spans'],
  ['logs', 'Logs'],
  ['spans', 'Spans'],
]

export function EventsPage() {
  const stream = createStream()
  const [cursor, setCursor] = createSignal<string | null>(view.openRow()?.id ?? null)
  const [reason, setReason] = createSignal('')
  /** The column of the cell cursor in the row under the cursor; -1: the row as a whole. */
  const [cell, setCell] = createSignal(-1)
  const [columnsOpen, setColumnsOpen] = createSignal(false)
  const [announcement, setAnnouncement] = createSignal('')
  let list: ListControl | undefined
  let filterInput: HTMLInputElement | undefined
  onMount(() => {
    document.title = 'Events · millrace'
  })

  createEffect(on([view.wholeFilter, view.range, view.until], () => void stream.load()))
  createEffect(on(view.columns, () => void stream.fill(), { defer: true }))
  createEffect(on(view.openRow, (open) => open !== null && setCursor(open.id)))

  const items = () => stream.feed().items
  const indexOf = (id: string | null) =>
    id === null ? -1 : items().findIndex((item) => !isMark(item) && item.id === id)
  const current = createMemo(() => {
    const item = items()[indexOf(cursor())]
    return item === undefined ? undefined : (item as ListedEvent)
  })

  function pause(why: string): void {
    setReason(why)
    if (!stream.feed().following) return
    stream.pause()
    setAnnouncement('Paused')
  }
  function resume(): void {
    setCursor(null)
    // A range that was paused for a link begins anew at now.
    if (view.until() !== null) view.setUntil(null)
    else stream.resume()
    setAnnouncement('Following')
  }
  function move(by: number): void {
    const at = indexOf(cursor())
    let next = at < 0 ? items().length - 1 : at + by
    while (items()[next] !== undefined && isMark(items()[next])) next += Math.sign(by)
    const event = items()[Math.max(0, Math.min(next, items().length - 1))] as ListedEvent | undefined
    if (event === undefined || isMark(event)) return
    pause(view.openRow() === null ? 'a row is selected' : 'a row is open')
    setCursor(event.id)
    list?.reveal(indexOf(event.id))
    if (view.openRow() !== null) view.setOpenRow(event)
  }
  function open(event: ListedEvent): void {
    pause('a row is open')
    setCursor(event.id)
    view.setOpenRow(event, view.openRow() === null)
  }
  const close = () => {
    if (view.openRow() !== null) view.setOpenRow(null)
    else if (brush() !== null) setBrush(null)
    else if (cell() >= 0) setCell(-1)
    else if (cursor() !== null) setCursor(null)
    else return false
  }
  /** Every key about the row under the cursor. */
  const withCurrent = (run: (event: ListedEvent) => void) => () => {
    const event = current()
    if (event === undefined) return false
    run(event)
  }

  const moveCell = (by: number) => {
    if (current() === undefined) return false
    setCell(Math.max(-1, Math.min(view.columns().length - 1, cell() + by)))
  }
  /** What `f` and `x` are about: the focused field, the cell under the cursor, or else the service of the row. */
  const filterBy = (pick: (conditions: Conditions) => string) => () => {
    const event = current()
    const column = view.columns()[cell()]
    const ofRow = () => event && (column ? cellConditions(event, column) : conditionsOf(SERVICE, event.service || null))
    const conditions = focusedConditions() ?? ofRow() ?? null
    if (conditions === null) return false
    view.addChip(pick(conditions))
  }

  /** A list that stands still is seen by others where it stood. */
  const link = () => {
    const last = items().at(-1)
    return view.isLive() && !stream.feed().following && last !== undefined ? view.linkUntil(last.at + 1) : location.href
  }
  useCopyKeys(current, link)
  useKeys([
    { keys: 'j', does: 'next row', run: () => move(1) },
    { keys: 'k', does: 'row before', run: () => move(-1) },
    { keys: 'ArrowDown', does: '', hidden: true, run: () => move(1) },
    { keys: 'ArrowUp', does: '', hidden: true, run: () => move(-1) },
    { keys: 'PageDown', does: '', hidden: true, run: () => move(list?.page() ?? 10) },
    { keys: 'PageUp', does: '', hidden: true, run: () => move(-(list?.page() ?? 10)) },
    { keys: 'Enter', does: 'open the row', run: withCurrent(open) },
    { keys: 'Escape', does: 'close', run: close },
    { keys: 'Space', does: 'follow or pause', run: () => (stream.feed().following ? pause('by you') : resume()) },
    { keys: 'End', does: 'to the end, follow', run: () => resume() },
    { keys: '/', does: 'filter', run: () => filterInput?.focus() },
    { keys: 'ArrowRight', does: 'next cell', run: () => moveCell(1) },
    { keys: 'ArrowLeft', does: 'cell before', run: () => moveCell(-1) },
    { keys: 'f', does: 'only this value', run: filterBy(({ only }) => only) },
    { keys: 'x', does: 'without this value', run: filterBy(({ without }) => without) },
    { keys: 'z', does: 'zoom to the selected time', run: zoomIn },
    { keys: 'Shift+Z', does: 'zoom back', run: zoomOut },
    { keys: 'Shift+ArrowLeft', does: 'the time before', run: () => moveWindow(-1) },
    { keys: 'Shift+ArrowRight', does: 'the time after', run: () => moveWindow(1) },
    { keys: 'Shift+F', does: 'facets', run: () => view.setShowsFacets(!view.showsFacets()) },
    { keys: '.', does: 'columns', run: () => void setColumnsOpen(true) },
    { keys: 'w', does: 'wrap long lines', run: () => view.setWraps(!view.wraps()) },
    {
      keys: 't',
      does: 'open its trace',
      run: withCurrent(({ traceId, ...event }) => {
        if (traceId !== null) navigate(traceLink({ ...event, traceId }))
      }),
    },
  ])

  useCommands(async () => {
    const selection = stream.selection()
    const shown = view.columns().map(({ name, title }) => ({ name, title, add: false }))
    const known = selection === null ? [] : await readColumnOffers(selection)
    const offered = known.map(({ name, title }) => ({ name, title, add: true }))
    const names = shown.map(({ name }) => name)
    return [...offered.filter(({ name }) => !names.includes(name)), ...shown].map(({ name, title, add }) => ({
      group: 'Column',
      name: `${add ? 'Add' : 'Remove'} ${title}`,
      run: () => view.setColumns(add ? withColumn(names, name) : names.filter((each) => each !== name)),
    }))
  })

  // Read out by the sum every ten seconds, not row by row.
  const timer = setInterval(() => {
    const { rows, newRows, following } = stream.feed()
    setAnnouncement(following ? `${count(rows)} rows` : `Paused, ${count(newRows)} new rows`)
  }, ANNOUNCE_MS)
  onCleanup(() => clearInterval(timer))

  const live = () => view.isLive()
  return (
    <>
      <div class="bar">
        <h1>Events</h1>
        <div class="seg" role="group" aria-label="Which events">
          <For each={SIGNALS}>
            {([shown, name]) => (
              <button
                type="button"
                classList={{ on: view.signals() === shown }}
                aria-pressed={view.signals() === shown}
                onClick={() => view.setSignals(shown)}
              >
                {name}
              </button>
            )}
          </For>
        </div>
        <button
          type="button"
          class="btn quiet"
          aria-pressed={view.showsFacets()}
          title="Facets (Shift F)"
          onClick={() => view.setShowsFacets(!view.showsFacets())}
        >
          <Icon name="facets" /> <span class="wide-only">Facets</span>
        </button>
        <ColumnsMenu open={columnsOpen()} setOpen={setColumnsOpen} selection={stream.selection()} />
        <span class="grow" />
        <RangePicker />
        <Show when={'lastMs' in view.range()}>
          <Show
            when={live() && stream.feed().following}
            fallback={
              <button type="button" class="btn primary" onClick={resume}>
                <Icon name="play" /> {live() ? 'Resume' : 'Live'} <kbd class="kbd">Space</kbd>
              </button>
            }
          >
            <button type="button" class="btn" onClick={() => pause('by you')}>
              <Icon name="pause" /> Pause <kbd class="kbd">Space</kbd>
            </button>
          </Show>
        </Show>
      </div>
      <FilterBox selection={stream.selection()} input={(input) => (filterInput = input)} />
      <Histogram selection={stream.selection()} onBrush={() => pause('a stretch of time is selected')} />
      <Show when={stream.problem() ?? stream.filterProblem()?.message}>
        {(text) => (
          <div class="problem" role="alert">
            {text()}{' '}
            <button type="button" class="link" onClick={() => void stream.load()}>
              Try again
            </button>
          </div>
        )}
      </Show>
      <div class="split">
        <Show when={view.showsFacets()}>
          <FacetPanel selection={stream.selection()} />
        </Show>
        <div class="list-side">
          <Show
            when={items().length > 0 || stream.loading() || stream.selection() === null}
            fallback={<Empty selection={stream.selection()!} />}
          >
            <EventList
              stream={stream}
              selectedId={cursor()}
              cell={cell()}
              announce={setAnnouncement}
              actions={{ open, show: (from, to) => view.setRange({ from: Math.floor(from), to: Math.ceil(to) }) }}
              control={(control) => (list = control)}
              onScrolledUp={() => pause('you scrolled up')}
              onReachedEnd={() => live() && resume()}
            />
          </Show>
          <Dock stream={stream} reason={reason()} resume={resume} />
        </div>
        <Show when={view.openRow()}>
          <Drawer close={() => view.setOpenRow(null)} move={move} link={link} />
        </Show>
      </div>
      <div class="visually-hidden" aria-live="polite">
        {announcement()}
      </div>
    </>
  )
}
