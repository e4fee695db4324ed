/** One event with all its fields, beside the list and never over it. */
import { createEffect, createResource, createSignal, For, Match, on, Show, Switch } from 'solid-js'
import { askRows, type Row } from '../api/ask.ts'
import { duration } from '../format/numbers.ts'
import { clockMs } from '../format/time.ts'
import { DrawerButtons } from '../shell/drawer_buttons.tsx'
import { useKeys } from '../shell/keyboard.ts'
import { linkTo, navigate } from '../shell/router.ts'
import { copy } from '../shell/toast.tsx'
import { present } from './copy_keys.ts'
import { type ListedEvent, listedEvent, severityOf } from './event.ts'
import { EventFields } from './fields.tsx'
import { serviceClass } from './services.ts'
import { curlOf, eventSql } from './statements.ts'
import { TraceTab } from './trace_tab.tsx'
import { openRow } from './view.ts'

const TABS = ['Row', 'Trace', 'Raw'] as const

/** The place of an event in its trace. */
export const traceLink = ({ traceId, id, timestamp }: { traceId: string; id: string; timestamp: string }): string =>
  linkTo(`/trace/${traceId}`, { row: `${id}@${timestamp}` })

export function Drawer(props: {
  readonly close: () => void
  readonly move: (by: number) => void
  /** Where the view is, as it is to be seen again. */
  readonly link: () => string
}) {
  const [tab, setTab] = createSignal<(typeof TABS)[number]>('Row')
  // The row before stays until the next is read, so that walking through a list does not flicker.
  const [row] = createResource(openRow, async ({ id, timestamp }) => {
    const [found] = await askRows(eventSql(id, timestamp))
    return found ?? null
  })
  const event = () => {
    const found = row.error === undefined ? row.latest : undefined
    return found ? listedEvent(found) : undefined
  }
  const sql = () => eventSql(openRow()?.id ?? '', openRow()?.timestamp ?? '')
  const openTrace = () => {
    const shown = event()
    if (!shown?.traceId) return false
    navigate(traceLink({ traceId: shown.traceId, id: shown.id, timestamp: shown.timestamp }))
  }
  createEffect(on(openRow, (open) => open === null && setTab('Row')))
  useKeys([
    { keys: 't', does: 'open its trace', run: openTrace },
    ...TABS.map((name, at) => ({ keys: String(at + 1), does: name, hidden: true, run: () => void setTab(name) })),
  ])

  return (
    <aside class="drawer" aria-label="Row">
      <Show
        when={event()}
        fallback={
          <p class="drawer-note" role="status">
            <Show when={!row.loading} fallback="Reading the row…">
              {row.error ? (row.error as Error).message : 'This row is not stored any more.'}
            </Show>
          </p>
        }
      >
        {(shown) => (
          <>
            <Header event={shown()} close={props.close} move={props.move} />
            <div class="tabs" role="tablist" aria-label="Views of the row">
              <For each={TABS}>
                {(name) => (
                  <button
                    type="button"
                    role="tab"
                    aria-selected={tab() === name}
                    classList={{ on: tab() === name }}
                    disabled={name === 'Trace' && shown().traceId === null}
                    onClick={() => setTab(name)}
                  >
                    {name}
                  </button>
                )}
              </For>
            </div>
            <div class="body" role="tabpanel" aria-label={tab()} tabindex="0">
              <Switch>
                <Match when={tab() === 'Row'}>
                  <EventFields row={row.latest as Row} event={shown()} />
                </Match>
                <Match when={tab() === 'Trace' && shown().traceId}>
                  <TraceTab event={shown()} />
                </Match>
                <Match when={tab() === 'Raw'}>
                  <pre class="raw">{JSON.stringify(present(row.latest as Row), null, 2)}</pre>
                </Match>
              </Switch>
            </div>
            <div class="foot">
              <Show when={shown().traceId}>
                <button type="button" class="btn sm" onClick={openTrace}>
                  Open trace <kbd class="kbd">t</kbd>
                </button>
              </Show>
              <button type="button" class="btn sm quiet" onClick={() => void copy('The SQL', sql())}>
                Copy SQL
              </button>
              <button type="button" class="btn sm quiet" onClick={() => void copy('The curl line', curlOf(sql()))}>
                Copy curl
              </button>
              <button type="button" class="btn sm quiet" onClick={() => void copy('The link', props.link())}>
                Copy link
              </button>
            </div>
          </>
        )}
      </Show>
    </aside>
  )
}

function Header(props: {
  readonly event: ListedEvent
  readonly close: () => void
  readonly move: (by: number) => void
}) {
  const loud = () => severityOf(props.event)
  return (
    <header>
      <div class="drawer-line">
        <span class="badge" classList={{ err: loud() === 'error', fatal: loud() === 'fatal', warn: loud() === 'warn' }}>
          {props.event.level || props.event.kind}
        </span>
        <span class={`svc q2 ${serviceClass(props.event.service)}`}>{props.event.service}</span>
        <span class="q data" title={props.event.timestamp}>
          {clockMs(props.event.at)}
        </span>
        <Show when={props.event.durationMs !== null}>
          <span class="q2 data">{duration(props.event.durationMs!)}</span>
        </Show>
        <span class="grow" />
        <DrawerButtons before="Previous row" next="Next row" move={props.move} close={props.close} />
      </div>
      <h2>{props.event.title || 'An event without a name or message'}</h2>
    </header>
  )
}
