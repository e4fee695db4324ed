/** Traces: which requests are slow or failing, by their root. */
import { createEffect, createMemo, createResource, createSignal, For, on, onMount, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import { createPolled } from '../api/polled.ts'
import { compileFilter } from '../events/filter.ts'
import { FilterBox } from '../events/filter_box.tsx'
import { RangePicker } from '../events/range_picker.tsx'
import type { Selection } from '../events/statements.ts'
import { filter, isLive, range, until } from '../events/view.ts'
import { bounds } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { useKeys } from '../shell/keyboard.ts'
import { navigate } from '../shell/router.ts'
import { Heatmap } from './heatmap.tsx'
import { type ListedTrace, linkOf, listedTrace, TraceList } from './list.tsx'
import { NoTraces } from './no_traces.tsx'
import { type Root, Roots, rootOf } from './roots.tsx'
import { type Order, rootsSql, TRACES_SHOWN, tracesSql } from './statements.ts'
import { area, order, setArea, setOrder } from './view.ts'
import '../style/events.css'
import '../style/traces.css'

const LIVE_INTERVAL_MS = 10_000
const ORDERS: readonly (readonly [order: Order, name: string])[] = [
  ['slowest', 'Slowest'],
  ['newest', 'Newest'],
  ['failing', 'Failing'],
]

export default function TracesPage() {
  const [selected, setSelected] = createSignal<string | null>(null)
  let filterInput: HTMLInputElement | undefined
  onMount(() => {
    document.title = 'Traces · millrace'
  })

  const [compiled] = createResource(filter, compileFilter)
  /** Moves on with the time while live: one more every ten seconds, so that all parts ask about the same. */
  const tick = createMemo(() => (isLive() && selected() === null ? Math.floor(now() / LIVE_INTERVAL_MS) : null))
  const selection = createMemo(
    on([compiled, range, until, tick], ([found]): Selection | null => {
      if (found === undefined || 'problem' in found) return null
      return { ...bounds(range(), until() ?? now()), where: found.where }
    }),
  )
  const about = createMemo(() => {
    const chosen = selection()
    return chosen && { selection: chosen, area: area(), order: order() }
  })
  const once = { intervalMs: LIVE_INTERVAL_MS, restTimes: 10, goesOn: () => false }
  const traces = createPolled(
    about,
    async (asked, signal) =>
      (await askRows(tracesSql(asked.selection, asked.area, asked.order), [], signal)).map(listedTrace),
    once,
  )
  const roots = createPolled(
    about,
    async (asked, signal): Promise<Root[]> =>
      (await askRows(rootsSql(asked.selection, asked.area), [], signal)).map(rootOf),
    once,
  )
  createEffect(on([order, area, filter], () => setSelected(null), { defer: true }))

  const listed = () => traces.answer() ?? []
  const move = (by: number) => {
    const at = listed().findIndex(({ id }) => id === selected())
    const next = listed()[Math.max(0, Math.min(listed().length - 1, at < 0 ? 0 : at + by))]
    if (next === undefined) return
    setSelected(next.id)
    document.getElementById(`trace-${next.id}`)?.scrollIntoView({ block: 'nearest' })
  }
  const open = (trace: ListedTrace) => navigate(linkOf(trace))
  const openSelected = () => {
    const trace = listed().find(({ id }) => id === selected())
    if (trace === undefined) return false
    open(trace)
  }
  const close = () => {
    if (selected() !== null) setSelected(null)
    else if (area() !== null) setArea(null)
    else return false
  }
  useKeys([
    { keys: 'j', does: 'next trace', run: () => move(1) },
    { keys: 'k', does: 'trace before', run: () => move(-1) },
    { keys: 'ArrowDown', does: '', hidden: true, run: () => move(1) },
    { keys: 'ArrowUp', does: '', hidden: true, run: () => move(-1) },
    { keys: 'Enter', does: 'open the trace', run: openSelected },
    { keys: 't', does: '', hidden: true, run: openSelected },
    { keys: 'Escape', does: 'close', run: close },
    { keys: '/', does: 'filter', run: () => filterInput?.focus() },
    ...ORDERS.map(([each, name], at) => ({
      keys: String(at + 1),
      does: name.toLowerCase(),
      run: () => setOrder(each),
    })),
  ])

  const problem = () => {
    const found = compiled.latest
    return found !== undefined && 'problem' in found ? found.problem.message : (traces.problem() ?? roots.problem())
  }
  return (
    <>
      <div class="bar">
        <h1>Traces</h1>
        <div class="seg" role="group" aria-label="Order">
          <For each={ORDERS}>
            {([each, name]) => (
              <button
                type="button"
                classList={{ on: order() === each }}
                aria-pressed={order() === each}
                onClick={() => setOrder(each)}
              >
                {name}
              </button>
            )}
          </For>
        </div>
        <span class="grow" />
        <RangePicker />
      </div>
      <FilterBox selection={selection()} input={(input) => (filterInput = input)} />
      <Heatmap selection={selection} />
      <Show when={problem()}>
        {(text) => (
          <div class="problem" role="alert">
            {text()}{' '}
            <button type="button" class="link" onClick={traces.again}>
              Try again
            </button>
          </div>
        )}
      </Show>
      <Show
        when={traces.answer() === null || listed().length > 0}
        fallback={<NoTraces selection={selection()} order={order()} />}
      >
        <div class="split">
          <Roots roots={roots.answer() ?? []} />
          <div class="list-side">
            <TraceList
              traces={listed()}
              selected={selected()}
              busy={traces.answer() === null}
              select={(trace) => setSelected(trace.id)}
              open={open}
            />
            <Show when={listed().length === TRACES_SHOWN}>
              <p class="traces-note">
                The {TRACES_SHOWN} {order() === 'slowest' ? 'slowest' : 'newest'}. Draw a rectangle above, or filter, to
                see others.
              </p>
            </Show>
          </div>
        </div>
      </Show>
    </>
  )
}
