/** One trace: where the time went and which span is the cause. */
import { createMemo, createResource, createSignal, For, onMount, Show } from 'solid-js'
import { ask, type Row } from '../api/ask.ts'
import { useCopyKeys } from '../events/copy_keys.ts'
import { Drawer } from '../events/drawer.tsx'
import { serviceClass } from '../events/services.ts'
import { traceSql } from '../events/statements.ts'
import { openRow, setOpenRow } from '../events/view.ts'
import { count, duration } from '../format/numbers.ts'
import { ago, clockMs } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { Icon } from '../shell/icons.tsx'
import { useKeys } from '../shell/keyboard.ts'
import { copy } from '../shell/toast.tsx'
import { readTrace, type Span, type Trace } from './tree.ts'
import { Waterfall } from './waterfall.tsx'
import { criticalPath, type WaterfallRow, waterfallRows } from './waterfall_rows.ts'
import '../style/events.css'
import '../style/trace.css'

const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS
const MAX_ROWS = 20_000

/** Around the row it was opened from; without one, in the last week. */
async function readRows(id: string): Promise<{ readonly rows: Row[]; readonly truncated: boolean }> {
  const near = Date.parse(openRow()?.timestamp ?? '')
  const [from, to] = Number.isNaN(near)
    ? [Date.now() - WEEK_MS, Date.now() + HOUR_MS]
    : [near - HOUR_MS, near + HOUR_MS]
  const { columns, rows, truncated } = await ask(
    traceSql(id.replaceAll(/[^0-9a-f]/gi, '').toLowerCase(), from, to, MAX_ROWS),
  )
  return {
    rows: rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at]]))),
    truncated: truncated || rows.length === MAX_ROWS,
  }
}

export default function TracePage(props: { readonly id: string }) {
  const [answer, { refetch }] = createResource(() => props.id, readRows)
  const trace = createMemo(() =>
    answer.error === undefined && answer() !== undefined ? readTrace(answer()!.rows) : undefined,
  )
  onMount(() => {
    document.title = `Trace ${props.id.slice(0, 8)} · millrace`
  })
  return (
    <>
      <div class="bar">
        <a class="crumb" href="/traces">
          Traces
        </a>
        <span class="q">/</span>
        <h1 class="data trace-id">{props.id}</h1>
        <span class="grow" />
        <button type="button" class="btn" onClick={() => void refetch()}>
          Read again
        </button>
        <button type="button" class="btn" onClick={() => void copy('The link', location.href)}>
          Copy link
        </button>
      </div>
      <Show
        when={trace()}
        fallback={
          <p class="drawer-note" role="status">
            {answer.error ? (answer.error as Error).message : 'Reading the trace…'}
          </p>
        }
      >
        {(found) => (
          <Show when={found().spans.length + found().logs.length > 0} fallback={<NotThere id={props.id} />}>
            <TraceView trace={found()} truncated={answer()?.truncated ?? false} />
          </Show>
        )}
      </Show>
    </>
  )
}

function NotThere(props: { readonly id: string }) {
  return (
    <div class="empty">
      <h2>No span or log of this trace is stored.</h2>
      <p>
        Looked for <code>{props.id}</code> in{' '}
        {openRow() === null ? 'the last 7 days' : 'the two hours around the row it was opened from'}.
      </p>
      <a class="btn" href="/events">
        To the events
      </a>
    </div>
  )
}

function TraceView(props: { readonly trace: Trace; readonly truncated: boolean }) {
  const [folded, setFolded] = createSignal<ReadonlySet<string>>(new Set())
  const [unfolded, setUnfolded] = createSignal<ReadonlySet<string>>(new Set())
  const [find, setFind] = createSignal('')
  const [onlyErrors, setOnlyErrors] = createSignal(false)
  const [onlyPath, setOnlyPath] = createSignal(false)
  let findInput!: HTMLInputElement
  let reveal: (index: number) => void = () => {}

  const path = createMemo(() => criticalPath(props.trace))
  const rows = createMemo(() =>
    waterfallRows(props.trace, path(), {
      folded: folded(),
      unfolded: unfolded(),
      find: find(),
      onlyErrors: onlyErrors(),
      onlyPath: onlyPath(),
    }),
  )
  const selectedAt = () => rows().findIndex(({ span }) => span.id === openRow()?.id)
  const fold = ({ span: { spanId }, alike }: WaterfallRow, shut: boolean) => {
    const [set, has] = alike.length > 0 ? [setUnfolded, !shut] : [setFolded, shut]
    set((before) => (has ? new Set([...before, spanId]) : new Set([...before].filter((each) => each !== spanId))))
  }
  const select = (span: Span) => setOpenRow(span, openRow() === null)
  const move = (by: number) => {
    const next = Math.max(0, Math.min(rows().length - 1, selectedAt() < 0 ? 0 : selectedAt() + by))
    if (rows()[next] === undefined) return
    select(rows()[next].span)
    reveal(next)
  }
  const foldSelected = (shut: boolean) => {
    const row = rows()[selectedAt()]
    if (row?.hasChildren) fold(row, shut)
  }
  useCopyKeys(openRow)
  useKeys([
    { keys: 'j', does: 'next span', run: () => move(1) },
    { keys: 'k', does: 'span before', run: () => move(-1) },
    { keys: 'ArrowDown', does: '', hidden: true, run: () => move(1) },
    { keys: 'ArrowUp', does: '', hidden: true, run: () => move(-1) },
    { keys: 'h', does: 'fold', run: () => foldSelected(true) },
    { keys: 'l', does: 'unfold', run: () => foldSelected(false) },
    { keys: 'ArrowLeft', does: '', hidden: true, run: () => foldSelected(true) },
    { keys: 'ArrowRight', does: '', hidden: true, run: () => foldSelected(false) },
    { keys: '/', does: 'find a span', run: () => findInput.focus() },
    { keys: 'Escape', does: 'close the span', run: () => (openRow() === null ? false : setOpenRow(null)) },
  ])

  return (
    <>
      <Facts trace={props.trace} />
      <SelfTime trace={props.trace} />
      <Show when={props.truncated}>
        <div class="problem" role="alert">
          This trace has more than {count(props.trace.spans.length)} spans; the rest is not shown here. SQL has all of
          them.
        </div>
      </Show>
      <div class="split">
        <Waterfall
          trace={props.trace}
          rows={rows()}
          path={path()}
          selected={openRow()?.id ?? null}
          select={select}
          fold={fold}
          reveal={(control) => (reveal = control)}
          controls={
            <>
              <label class="filter find">
                <Icon name="search" />
                <input
                  ref={findInput}
                  class="typing"
                  aria-label="Find spans"
                  placeholder="Find a span"
                  value={find()}
                  onInput={({ currentTarget }) => setFind(currentTarget.value)}
                  onKeyDown={({ key, currentTarget }) => key === 'Escape' && currentTarget.blur()}
                />
                <kbd class="kbd">/</kbd>
              </label>
              <button
                type="button"
                class="btn sm"
                aria-pressed={onlyErrors()}
                onClick={() => setOnlyErrors(!onlyErrors())}
              >
                Errors
              </button>
              <button type="button" class="btn sm" aria-pressed={onlyPath()} onClick={() => setOnlyPath(!onlyPath())}>
                Path
              </button>
            </>
          }
        />
        <Show when={openRow()}>
          <Drawer close={() => setOpenRow(null)} move={move} link={() => location.href} />
        </Show>
      </div>
    </>
  )
}

function Facts(props: { readonly trace: Trace }) {
  const root = () => props.trace.roots.toSorted((a, b) => b.durationMs - a.durationMs)[0]
  const logs = () => props.trace.logs.length + props.trace.spans.reduce((sum, span) => sum + span.logs.length, 0)
  return (
    <div class="sum">
      <div class="fact">
        <small>Root</small>
        <b>{root()?.name ?? 'no span, logs only'}</b>
      </div>
      <div class="fact">
        <small>Started, UTC</small>
        <b>{clockMs(props.trace.start)}</b> <span class="q">{ago(props.trace.start, now())}</span>
      </div>
      <div class="fact">
        <small>Duration</small>
        <b>{duration(props.trace.durationMs)}</b>
      </div>
      <div class="fact">
        <small>Spans</small>
        <b>{count(props.trace.spans.length)}</b>{' '}
        <span class="q">
          in {props.trace.services.length} {props.trace.services.length === 1 ? 'service' : 'services'}
        </span>
      </div>
      <div class="fact">
        <small>Logs</small>
        <b>{count(logs())}</b>
      </div>
      <div class="fact">
        <small>Errors</small>
        <b classList={{ err: props.trace.failed > 0 }}>{count(props.trace.failed)}</b>
      </div>
    </div>
  )
}

/** Which service the time was spent in: each moment counts for the innermost span. */
function SelfTime(props: { readonly trace: Trace }) {
  const shares = createMemo(() => {
    const sums = new Map<string, number>()
    for (const { service, selfMs } of props.trace.spans) sums.set(service, (sums.get(service) ?? 0) + selfMs)
    return [...sums].sort(([, a], [, b]) => b - a)
  })
  return (
    <div class="selfline">
      <span class="q">Self time</span>
      <span class="selfbar" aria-hidden="true">
        <For each={shares()}>{([service, ms]) => <i class={serviceClass(service)} style={{ 'flex-grow': ms }} />}</For>
      </span>
      <For each={shares().slice(0, 8)}>
        {([service, ms]) => (
          <span class={`svc ${serviceClass(service)}`}>
            {service} <b>{duration(ms)}</b>
          </span>
        )}
      </For>
      <span class="grow" />
      <span class="with-dot">
        <i class="path-key" /> Critical path
      </span>
    </div>
  )
}
