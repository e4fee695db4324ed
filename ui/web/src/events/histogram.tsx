/** How many events, and how bad, over the range: what is happening now, and is it worse than before. */
import { createMemo, For, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import { createPolled } from '../api/polled.ts'
import { count, duration } from '../format/numbers.ts'
import { bounds, clock } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { brush, type Stretch, setBrush, zoomIn } from './brush.ts'
import { barWidthMs, ticksOf } from './histogram_scale.ts'
import { histogramSql, type Selection } from './statements.ts'
import { isLive, range, until } from './view.ts'

interface Bar {
  /** Unix milliseconds. */
  readonly at: number
  readonly events: number
  readonly warnings: number
  readonly errors: number
}
interface Bars {
  readonly from: number
  readonly to: number
  readonly barMs: number
  readonly bars: readonly Bar[]
}

const HEIGHT = 40
const LIVE_INTERVAL_MS = 2_500
/** A mark that is there is seen, be it one error in a million. */
const MIN_PX = 2

export function Histogram(props: { readonly selection: Selection | null; readonly onBrush: () => void }) {
  let box!: HTMLDivElement

  const { answer: data, problem: failed } = createPolled(
    () => props.selection,
    ({ where }, signal) => readBars(where, signal),
    { intervalMs: LIVE_INTERVAL_MS, restTimes: 4, goesOn: isLive },
  )

  const sums = createMemo(() => sumOf(data()?.bars ?? []))
  const selected = createMemo(() => {
    const chosen = brush()
    return chosen && sumOf((data()?.bars ?? []).filter(({ at }) => at >= chosen.from && at < chosen.to))
  })
  const highest = createMemo(() => Math.max(1, ...(data()?.bars ?? []).map(({ events }) => events)))
  const timeAt = (event: PointerEvent) => {
    const { left, width } = box.getBoundingClientRect()
    const { from, to } = data()!
    return from + Math.min(1, Math.max(0, (event.clientX - left) / width)) * (to - from)
  }

  function drag(event: PointerEvent): void {
    if (data() === null || event.button !== 0) return
    const start = timeAt(event)
    box.setPointerCapture(event.pointerId)
    setBrush(null)
    props.onBrush()
    const move = (moved: PointerEvent) => {
      const end = timeAt(moved)
      const { barMs } = data()!
      const [from, to] = start < end ? [start, end] : [end, start]
      setBrush({ from: Math.floor(from / barMs) * barMs, to: Math.ceil(to / barMs) * barMs })
    }
    const done = () => box.removeEventListener('pointermove', move)
    box.addEventListener('pointermove', move)
    box.addEventListener('pointerup', done, { once: true })
  }
  /** Arrows take the brush along the bars, with Shift they make it wider; the first begins at the newest bar. */
  function key(event: KeyboardEvent): void {
    const shown = data()
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === 'Escape' && brush() !== null) setBrush(null)
    else if (event.key === 'Enter' && brush() !== null) zoomIn()
    else if (by !== undefined && shown !== null && !(event.shiftKey && brush() === null)) {
      props.onBrush()
      setBrush((before) => steppedBrush(before, by, event.shiftKey, shown))
    } else return
    event.preventDefault()
  }

  return (
    <div class="histwrap">
      <div class="histhead">
        <span>
          <b>{count(sums().events)}</b> {sums().events === 1 ? 'row' : 'rows'}
          <Show when={data()}>{(bars) => <>, {duration(bars().barMs).replace(/\.0+ /, ' ')} a bar</>}</Show>
        </span>
        <span class="lg lg-info">info and below</span>
        <span class="lg lg-warn">
          <b>{count(sums().warnings)}</b> warn
        </span>
        <span class="lg lg-error">
          <b>{count(sums().errors)}</b> error
        </span>
        <span class="grow" />
        <Show when={failed()}>{(message) => <span class="warn">{message()}</span>}</Show>
        <Show when={brush()}>
          {(chosen) => (
            <>
              <span>
                <b>
                  {clock(chosen().from)} → {clock(chosen().to)}
                </b>{' '}
                selected: <b>{count(selected()?.events ?? 0)}</b> rows, <b>{count(selected()?.errors ?? 0)}</b> errors
              </span>
              <button type="button" class="link" title="z" onClick={zoomIn}>
                Zoom
              </button>
              <button type="button" class="link" onClick={() => setBrush(null)}>
                Clear
              </button>
            </>
          )}
        </Show>
      </div>
      <div
        class="hist"
        ref={box}
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows select bars here
        tabIndex={0}
        aria-label="Time: arrows select bars, with Shift more of them, Enter zooms in"
        onPointerDown={drag}
        // The focus stays where it was: keys go on being those of the list.
        onMouseDown={(event) => event.preventDefault()}
        onKeyDown={key}
      >
        <Show when={data()}>
          {(shown) => (
            <>
              <svg
                width="100%"
                height={HEIGHT}
                viewBox={`0 0 1000 ${HEIGHT}`}
                preserveAspectRatio="none"
                role="img"
                aria-label={summary(shown(), sums())}
              >
                <For each={shown().bars}>{(bar) => <BarMark bar={bar} bars={shown()} highest={highest()} />}</For>
                <path d={`M0 ${HEIGHT - 0.5}H1000`} stroke="var(--line)" vector-effect="non-scaling-stroke" />
              </svg>
              <Show when={brush()}>
                {(chosen) => (
                  <div
                    class="brush"
                    style={{
                      left: `${percent(chosen().from, shown())}%`,
                      width: `${percent(chosen().to, shown()) - percent(chosen().from, shown())}%`,
                    }}
                  />
                )}
              </Show>
              <div class="hist-axis">
                <For each={ticksOf(shown().from, shown().to)}>
                  {(tick) => <span style={{ left: `${percent(tick.at, shown())}%` }}>{tick.label}</span>}
                </For>
                <Show when={isLive()}>
                  <span class="hist-now">now</span>
                </Show>
              </div>
            </>
          )}
        </Show>
      </div>
    </div>
  )
}

function sumOf(bars: readonly Bar[]): Omit<Bar, 'at'> {
  const sum = (pick: (bar: Bar) => number) => bars.reduce((total, bar) => total + pick(bar), 0)
  return { events: sum((bar) => bar.events), warnings: sum((bar) => bar.warnings), errors: sum((bar) => bar.errors) }
}

function steppedBrush(before: Stretch | null, by: number, wider: boolean, { from, to, barMs }: Bars): Stretch {
  const last = Math.floor((to - from - 1) / barMs) * barMs + from
  if (before === null) return { from: last, to: last + barMs }
  if (wider && by < 0) return { ...before, from: Math.max(from, before.from - barMs) }
  if (wider) return { ...before, to: Math.min(last + barMs, before.to + barMs) }
  const at = Math.max(from, Math.min(last, before.from + by * barMs))
  return { from: at, to: at + (before.to - before.from) }
}

async function readBars(where: string | null, signal: AbortSignal): Promise<Bars> {
  const { from, to } = bounds(range(), until() ?? now())
  const barMs = barWidthMs(to - from)
  const first = Math.floor(from / barMs) * barMs
  const rows = await askRows(histogramSql({ from: first, to, where }, barMs), [], signal)
  const bars = rows.map((row) => ({
    at: first + Number(row.bar) * barMs,
    events: Number(row.events),
    warnings: Number(row.warnings),
    errors: Number(row.errors),
  }))
  return { from: first, to, barMs, bars }
}

function BarMark(props: { readonly bar: Bar; readonly bars: Bars; readonly highest: number }) {
  const x = () => ((props.bar.at - props.bars.from) / (props.bars.to - props.bars.from)) * 1000
  const width = () => Math.max(1, (props.bars.barMs / (props.bars.to - props.bars.from)) * 1000 - 1.4)
  const tall = (events: number) => (events === 0 ? 0 : Math.max(MIN_PX, (events / props.highest) * (HEIGHT - 4)))
  const whole = () => tall(props.bar.events)
  const errors = () => Math.min(whole(), tall(props.bar.errors))
  const warnings = () => Math.min(whole() - errors(), tall(props.bar.warnings))
  const plain = () => whole() - errors() - warnings()
  const title = () =>
    `${clock(props.bar.at)}: ${count(props.bar.events)} rows, ${count(props.bar.warnings)} warnings, ${count(props.bar.errors)} errors`
  return (
    <g>
      <title>{title()}</title>
      <rect x={x()} width={width()} y={0} height={HEIGHT} fill="transparent" />
      <rect x={x()} width={width()} y={HEIGHT - plain()} height={plain()} fill="var(--chart-bar)" />
      <rect x={x()} width={width()} y={HEIGHT - plain() - warnings()} height={warnings()} fill="var(--warn-mark)" />
      <rect x={x()} width={width()} y={HEIGHT - whole()} height={errors()} fill="var(--error-mark)" />
    </g>
  )
}

const percent = (at: number, { from, to }: Bars) => ((at - from) / (to - from)) * 100

function summary({ from, to }: Bars, sums: { events: number; warnings: number; errors: number }): string {
  return `${count(sums.events)} rows from ${clock(from)} to ${clock(to)} UTC, ${count(sums.warnings)} warnings and ${count(sums.errors)} errors among them`
}
