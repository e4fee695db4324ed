/** Nothing to show: why, and one thing that helps. */
import { createResource, createSignal, For, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import { session } from '../api/session.ts'
import { count } from '../format/numbers.ts'
import { dayAndClock, rangeWords } from '../format/time.ts'
import { Icon } from '../shell/icons.tsx'
import { copy } from '../shell/toast.tsx'
import { chipsOf, filterOf } from './chips.ts'
import { compileFilter } from './filter.ts'
import { SENDERS } from './senders.ts'
import { countSql, lastSql, type Selection } from './statements.ts'
import { filter, range, setFilter, setRange, setSignals, signals } from './view.ts'

const MIN_MS = 60_000
const WEEK_MS = 7 * 24 * 60 * MIN_MS

/** @param selection what was asked and has no rows */
export function Empty(props: { readonly selection: Selection }) {
  const filtered = () => filter() !== '' || signals() !== 'all'
  const [around] = createResource(
    () => props.selection,
    async ({ from, to }) => {
      const [[unfiltered], [week]] = await Promise.all([
        askRows(countSql({ from, to, where: null })),
        askRows(countSql({ from: to - WEEK_MS, to: to + WEEK_MS, where: null })),
      ])
      return { unfiltered: Number(unfiltered.events), week: Number(week.events) }
    },
  )
  return (
    <Show when={around.error === undefined ? around() : undefined}>
      {(found) => (
        <Show when={found().week > 0} fallback={<FirstRun />}>
          <Show when={filtered() && found().unfiltered > 0} fallback={<NoneInRange week={found().week} />}>
            <NoMatch selection={props.selection} of={found().unfiltered} />
          </Show>
        </Show>
      )}
    </Show>
  )
}

function NoneInRange(props: { readonly week: number }) {
  return (
    <div class="empty">
      <h2>Nothing in {'lastMs' in range() ? `the ${rangeWords(range()).toLowerCase()}` : 'this range'}.</h2>
      <p>Around it, within a week, there are {count(props.week)} rows.</p>
      <button type="button" class="btn" onClick={() => setRange({ lastMs: WEEK_MS })}>
        Last week
      </button>
    </div>
  )
}

function NoMatch(props: { readonly selection: Selection; readonly of: number }) {
  const chips = () => chipsOf(filter())
  const [without] = createResource(chips, (all) =>
    Promise.all(
      all.map(async (chip, at) => {
        const compiled = await compileFilter(filterOf(all.toSpliced(at, 1)))
        if ('problem' in compiled) return { chip, at, events: 0 }
        const [row] = await askRows(countSql({ ...props.selection, where: compiled.where }))
        return { chip, at, events: Number(row.events) }
      }),
    ),
  )
  const [last] = createResource(
    () => props.selection,
    async ({ to, where }) => {
      const [row] = await askRows(lastSql({ from: to - WEEK_MS, to, where }))
      return row.last === null ? null : Date.parse(String(row.last))
    },
  )
  /** A quarter of an hour that ends with the last match. */
  const goThere = (at: number) => setRange({ from: at - 14 * MIN_MS, to: at + MIN_MS })
  return (
    <div class="empty">
      <h2>0 of {count(props.of)} rows match.</h2>
      <Show when={signals() !== 'all'}>
        <button type="button" class="btn" onClick={() => setSignals('all')}>
          Logs and spans
        </button>
      </Show>
      <For each={without.error === undefined ? (without() ?? []).filter(({ events }) => events > 0) : []}>
        {({ chip, at, events }) => (
          <p>
            Without <code>{chip}</code>:{' '}
            <button type="button" class="link hi" onClick={() => setFilter(chips().toSpliced(at, 1))}>
              {count(events)}
            </button>
          </p>
        )}
      </For>
      <Show when={last.error === undefined && last()}>
        {(at) => (
          <p>
            It last matched at{' '}
            <button type="button" class="link hi data" onClick={() => goThere(at())}>
              {dayAndClock(at(), Date.now())}
            </button>
            .
          </p>
        )}
      </Show>
    </div>
  )
}

function FirstRun() {
  const [chosen, setChosen] = createSignal(SENDERS[0].name)
  const sender = () => SENDERS.find(({ name }) => name === chosen())!
  const text = () => {
    const { http, grpc } = session()!.otlp
    return sender().text({ http: `http://${location.hostname}:${http}`, grpc: `${location.hostname}:${grpc}` })
  }
  return (
    <div class="empty first-run">
      <h2>Nothing has arrived yet.</h2>
      <p>
        Send something; this page shows it by itself. Put your API key in <code>MILLRACE_API_KEY</code> first:{' '}
        <code>export MILLRACE_API_KEY=mr_…</code>
      </p>
      <div class="seg" role="tablist" aria-label="Language">
        <For each={SENDERS}>
          {({ name }) => (
            <button
              type="button"
              role="tab"
              aria-selected={name === chosen()}
              classList={{ on: name === chosen() }}
              onClick={() => setChosen(name)}
            >
              {name}
            </button>
          )}
        </For>
      </div>
      <div class="sender">
        <pre role="tabpanel" tabindex="0" aria-label={`How ${chosen()} sends`}>
          {text()}
        </pre>
        <button type="button" class="btn sm" onClick={() => void copy('The example', text())}>
          <Icon name="copy" /> Copy
        </button>
      </div>
    </div>
  )
}
