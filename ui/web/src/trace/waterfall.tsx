/** The waterfall: tree left, time right; of 10,000 spans only those in sight are in the document. */
import { createMemo, createSignal, For, Index, type JSX, onCleanup, onMount, Show } from 'solid-js'
import { severityOf } from '../events/event.ts'
import { serviceClass } from '../events/services.ts'
import { count, duration } from '../format/numbers.ts'
import type { Span, Trace } from './tree.ts'
import { asOne, type WaterfallRow } from './waterfall_rows.ts'

const ROW_PX = 24
const OVERSCAN_ROWS = 8
const MINIMAP_SPANS = 400
const MINIMAP_PX = 38

export function Waterfall(props: {
  readonly trace: Trace
  readonly rows: readonly WaterfallRow[]
  readonly path: ReadonlySet<Span>
  readonly selected: string | null
  readonly select: (span: Span) => void
  readonly fold: (row: WaterfallRow, shut: boolean) => void
  readonly reveal: (control: (index: number) => void) => void
  readonly controls: JSX.Element
}) {
  let scroller!: HTMLDivElement
  const [top, setTop] = createSignal(0)
  const [height, setHeight] = createSignal(600)
  const first = createMemo(() => Math.max(0, Math.floor(top() / ROW_PX) - OVERSCAN_ROWS))
  const visible = createMemo(() =>
    props.rows.slice(first(), first() + Math.ceil(height() / ROW_PX) + 2 * OVERSCAN_ROWS),
  )
  const ticks = createMemo(() => ticksOf(props.trace.durationMs))
  const percent = (ms: number) => (ms / Math.max(1e-6, props.trace.durationMs)) * 100

  onMount(() => {
    const observer = new ResizeObserver(([entry]) => setHeight(entry.contentRect.height))
    observer.observe(scroller)
    onCleanup(() => observer.disconnect())
    props.reveal((index) => {
      const at = index * ROW_PX
      if (at < top()) scroller.scrollTop = at
      else if (at + ROW_PX > top() + height()) scroller.scrollTop = at + ROW_PX - height()
    })
  })

  return (
    <div class="wfbox">
      <div class="wfhead">
        <div class="left">{props.controls}</div>
        <div class="right">
          <div class="wfscale">
            <Minimap trace={props.trace} percent={percent} />
            <div class="axis">
              <For each={ticks()}>
                {(tick) => <span style={{ left: `${percent(tick)}%` }}>{tick === 0 ? '0' : tickLabel(tick)}</span>}
              </For>
            </div>
          </div>
        </div>
      </div>
      <div
        class="wfrows"
        ref={scroller}
        role="treegrid"
        tabIndex={0}
        aria-label="Spans of the trace"
        aria-rowcount={props.rows.length}
        aria-activedescendant={props.selected === null ? undefined : `span-${props.selected}`}
        onScroll={() => setTop(scroller.scrollTop)}
      >
        <div class="rows" role="rowgroup" style={{ height: `${props.rows.length * ROW_PX}px` }}>
          <div class="wfgrid" role="presentation">
            <For each={ticks()}>{(tick) => <i style={{ left: `${percent(tick)}%` }} />}</For>
          </div>
          <div class="rows-window" role="presentation" style={{ transform: `translateY(${first() * ROW_PX}px)` }}>
            <Index each={visible()}>
              {(row, at) => (
                <SpanRow
                  row={row()}
                  index={first() + at}
                  start={props.trace.start}
                  percent={percent}
                  onPath={
                    row().folded && row().alike.length > 0
                      ? row().alike.some((span) => props.path.has(span))
                      : props.path.has(row().span)
                  }
                  selected={row().span.id === props.selected}
                  select={() => props.select(row().span)}
                  fold={() => props.fold(row(), !row().folded)}
                />
              )}
            </Index>
          </div>
        </div>
      </div>
    </div>
  )
}

function SpanRow(props: {
  readonly row: WaterfallRow
  readonly index: number
  readonly start: number
  readonly percent: (ms: number) => number
  readonly onPath: boolean
  readonly selected: boolean
  readonly select: () => void
  readonly fold: () => void
}) {
  const span = () => props.row.span
  /** The row speaks for more than its own span. */
  const group = createMemo(() => (props.row.folded && props.row.alike.length > 0 ? asOne(props.row.alike) : null))
  const left = () => props.percent((group() ?? span()).at - props.start)
  const width = () => props.percent((group() ?? span()).durationMs)
  const failed = () => (group()?.failed ?? Number(span().failed)) > 0
  /** Behind the bar, and behind the diamonds past its end. */
  const right = () =>
    span().logs.reduce((most, log) => Math.max(most, props.percent(log.at - props.start)), left() + width())
  /** The label stands on the side with room. */
  const labelLeft = () => left() + width() > 82 && left() > 18
  return (
    <div
      class="wf"
      classList={{ err: failed(), sel: props.selected }}
      role="row"
      id={`span-${span().id}`}
      aria-level={span().depth + 1}
      aria-rowindex={props.index + 1}
      aria-selected={props.selected}
      aria-expanded={props.row.hasChildren ? !props.row.folded : undefined}
      onClick={props.select}
    >
      <span class="tree" role="gridcell">
        <For each={props.row.guides}>{(guide) => <i class={`guide ${guide}`} />}</For>
        <Show when={props.row.hasChildren} fallback={<span class="tw" />}>
          <button
            type="button"
            class="tw"
            tabIndex={-1}
            aria-label={props.row.folded ? 'Unfold' : 'Fold'}
            onClick={(event) => {
              event.stopPropagation()
              props.fold()
            }}
          >
            {props.row.folded ? '▸' : '▾'}
          </button>
        </Show>
        <span class={`svc ${serviceClass(span().service)}`} />
        <span class="nm cut" title={`${span().name}, ${span().service}, ${span().kind}`}>
          {span().name}{' '}
          <Show when={group()}>
            <b class="alike">× {count(props.row.alike.length)}</b>{' '}
          </Show>
          <Show when={props.row.namesService}>
            <small>{span().service}</small>
          </Show>
        </span>
        <Show when={failed()}>
          <span class="bang" role="img" aria-label="failed">
            !
          </span>
        </Show>
      </span>
      <span class={`lane ${serviceClass(span().service)}`} role="gridcell">
        <u style={{ left: `${left()}%`, width: `${width()}%` }} />
        <Show when={props.onPath}>
          <s style={{ left: `${left()}%`, width: `${width()}%` }} />
        </Show>
        <For each={span().logs.slice(0, MAX_DIAMONDS)}>
          {(log) => (
            <b
              class={`ev ${severityOf(log)}`}
              style={{ left: `${Math.min(100, Math.max(0, props.percent(log.at - props.start)))}%` }}
              title={`${log.level} ${log.text}`}
            />
          )}
        </For>
        <span
          class="dl"
          style={
            labelLeft()
              ? { right: `calc(${100 - left()}% + 6px)`, left: 'auto' }
              : { left: `calc(${Math.min(100, right())}% + 8px)`, right: 'calc(4px - var(--room))' }
          }
        >
          <Show
            when={group()}
            fallback={
              <>
                {duration(span().durationMs)} <em>{span().result.slice(0, MAX_RESULT)}</em>
              </>
            }
          >
            {(all) => (
              <>
                p95 {duration(all().p95Ms)} <em>{all().failed > 0 ? `${count(all().failed)} failed` : ''}</em>
              </>
            )}
          </Show>
        </span>
      </span>
    </div>
  )
}

const MAX_DIAMONDS = 20
const MAX_RESULT = 40

function Minimap(props: { readonly trace: Trace; readonly percent: (ms: number) => number }) {
  /** Evenly taken where there are more than lines on a screen. */
  const sample = () => {
    const { spans } = props.trace
    const step = Math.max(1, spans.length / MINIMAP_SPANS)
    return Array.from({ length: Math.min(spans.length, MINIMAP_SPANS) }, (_, at) => spans[Math.floor(at * step)])
  }
  return (
    <svg class="minimap" viewBox={`0 0 100 ${MINIMAP_PX}`} preserveAspectRatio="none" aria-hidden="true">
      <For each={sample()}>
        {(span, at) => (
          <rect
            class={serviceClass(span.service)}
            x={props.percent(span.at - props.trace.start)}
            y={2 + (at() / Math.max(1, sample().length)) * (MINIMAP_PX - 5)}
            width={Math.max(0.15, props.percent(span.durationMs))}
            height="1.2"
          />
        )}
      </For>
    </svg>
  )
}

/** At most six round steps from 0, the last well before the end. */
function ticksOf(durationMs: number): number[] {
  const rough = durationMs / 6
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-6)))
  const step = [1, 2, 3, 5, 10].find((each) => each * power >= rough)! * power
  const ticks: number[] = []
  for (let at = 0; at < durationMs * 0.94; at = ticks.length * step) ticks.push(at)
  return ticks
}

/** `300 ms`, `1.5 s`: zeros behind the point say nothing on an axis. */
const tickLabel = (ms: number) =>
  duration(ms)
    .replace(/(\.\d*?)0+ /, '$1 ')
    .replace('. ', ' ')
