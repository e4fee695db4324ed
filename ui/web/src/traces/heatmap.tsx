/** When, and how long: every root span as a point of a map; a rectangle drawn on it chooses. */
import { createMemo, createSignal, For, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import { createPolled } from '../api/polled.ts'
import { barWidthMs, ticksOf } from '../events/histogram_scale.ts'
import type { Selection } from '../events/statements.ts'
import { isLive } from '../events/view.ts'
import { count, duration } from '../format/numbers.ts'
import { clock } from '../format/time.ts'
import { areaOf, type Cell, decades, type Heat, heatOf, nanosOf, strength } from './heat.ts'
import { heatSql } from './statements.ts'
import { area, setArea } from './view.ts'

const WIDTH = 1000
const HEIGHT = 120
const LIVE_INTERVAL_MS = 10_000

export function Heatmap(props: { readonly selection: () => Selection | null }) {
  const { answer: heat, problem } = createPolled(props.selection, readHeat, {
    intervalMs: LIVE_INTERVAL_MS,
    restTimes: 10,
    goesOn: isLive,
  })
  /** While it is being drawn: two corners as shares of width and height. */
  const [drawn, setDrawn] = createSignal<readonly [readonly [number, number], readonly [number, number]] | null>(null)
  let box!: HTMLDivElement

  const shareAt = (event: PointerEvent): readonly [number, number] => {
    const { left, top, width, height } = box.getBoundingClientRect()
    const within = (share: number) => Math.max(0, Math.min(1, share))
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)]
  }
  function draw(event: PointerEvent): void {
    if (event.button !== 0 || heat() === null) return
    const start = shareAt(event)
    box.setPointerCapture(event.pointerId)
    setDrawn([start, start])
    const move = (moved: PointerEvent) => setDrawn([start, shareAt(moved)])
    const done = () => {
      box.removeEventListener('pointermove', move)
      const corners = drawn()
      setDrawn(null)
      if (corners !== null) setArea(areaOf(heat()!, ...corners))
    }
    box.addEventListener('pointermove', move)
    box.addEventListener('pointerup', done, { once: true })
  }
  const chosen = () => {
    const [shown, corners] = [heat(), drawn()]
    return shown !== null && corners !== null ? areaOf(shown, ...corners) : area()
  }
  const sums = createMemo(() => {
    const cells = heat()?.cells ?? []
    const of = (pick: (cell: Cell) => number) => cells.reduce((sum, cell) => sum + pick(cell), 0)
    return { traces: of(({ traces }) => traces), errors: of(({ errors }) => errors) }
  })

  return (
    <div class="heatwrap">
      <div class="histhead">
        <span>
          <b>{count(sums().traces)}</b> traces
        </span>
        <span class="lg lg-error">
          <b>{count(sums().errors)}</b> with a failed root
        </span>
        <span class="grow" />
        <Show when={problem()}>{(message) => <span class="warn">{message()}</span>}</Show>
        <Show when={chosen()}>
          {(shown) => (
            <>
              <span>
                <b>
                  {clock(shown().from)} → {clock(shown().to)}
                </b>
                , <b>{duration(shown().leastNanos / 1e6)}</b> to <b>{duration(shown().mostNanos / 1e6)}</b> selected
              </span>
              <button type="button" class="link" title="Esc" onClick={() => setArea(null)}>
                Clear
              </button>
            </>
          )}
        </Show>
      </div>
      <div class="heat" ref={box} onPointerDown={draw}>
        <Show when={heat()}>{(shown) => <HeatCells heat={shown()} sums={sums()} />}</Show>
        <Show when={heat() !== null && chosen()}>
          {(shown) => (
            <AreaMark
              heat={heat()!}
              from={shown().from}
              to={shown().to}
              nanos={[shown().leastNanos, shown().mostNanos]}
            />
          )}
        </Show>
      </div>
      <div class="hist-axis">
        <Show when={heat()}>
          {(shown) => {
            const to = () => shown().from + shown().bars * shown().barMs
            return (
              <For each={ticksOf(shown().from, to())}>
                {(tick) => (
                  <span style={{ left: `${((tick.at - shown().from) / (to() - shown().from)) * 100}%` }}>
                    {tick.label}
                  </span>
                )}
              </For>
            )
          }}
        </Show>
      </div>
    </div>
  )
}

function HeatCells(props: {
  readonly heat: Heat
  readonly sums: { readonly traces: number; readonly errors: number }
}) {
  const width = () => WIDTH / props.heat.bars
  const height = () => HEIGHT / props.heat.steps
  const y = (step: number) => HEIGHT - (step - props.heat.lowest + 1) * height()
  /** The failed part of a cell; one that is there is seen. */
  const failedPx = ({ traces, errors }: Cell) => Math.max(2, (errors / traces) * Math.max(1, height() - 1))
  return (
    <>
      <svg
        width="100%"
        height={HEIGHT}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${count(props.sums.traces)} traces by time and duration, ${count(props.sums.errors)} of them with a failed root`}
      >
        <For each={decades(props.heat)}>
          {({ step }) => (
            <path d={`M0 ${y(step) + height()}H${WIDTH}`} class="heat-line" vector-effect="non-scaling-stroke" />
          )}
        </For>
        <For each={props.heat.cells}>
          {(cell) => (
            <g>
              <title>{`${clock(props.heat.from + cell.bar * props.heat.barMs)}, ${duration(nanosOf(cell.step) / 1e6)} and more: ${count(cell.traces)} traces, ${count(cell.errors)} failed`}</title>
              <rect
                x={cell.bar * width()}
                y={y(cell.step) + 0.5}
                width={Math.max(1, width() - 1)}
                height={Math.max(1, height() - 1)}
                class="heat-cell"
                fill-opacity={strength(cell.traces, props.heat.most)}
              />
              <Show when={cell.errors > 0}>
                <rect
                  x={cell.bar * width()}
                  y={y(cell.step) + height() - 0.5 - failedPx(cell)}
                  width={Math.max(1, width() - 1)}
                  height={failedPx(cell)}
                  class="heat-failed"
                />
              </Show>
            </g>
          )}
        </For>
      </svg>
      <For each={decades(props.heat)}>
        {({ step, label }) => (
          <span class="heat-label" style={{ top: `${((y(step) + height()) / HEIGHT) * 100}%` }}>
            {label}
          </span>
        )}
      </For>
    </>
  )
}

function AreaMark(props: {
  readonly heat: Heat
  readonly from: number
  readonly to: number
  readonly nanos: readonly [least: number, most: number]
}) {
  const left = (at: number) =>
    Math.max(0, Math.min(100, ((at - props.heat.from) / (props.heat.bars * props.heat.barMs)) * 100))
  const top = (nanos: number) => {
    const step =
      nanos <= nanosOf(0) ? 0 : (Math.log10(nanos) - Math.log10(nanosOf(0))) * (1 / Math.log10(nanosOf(1) / nanosOf(0)))
    return Math.max(0, Math.min(100, (1 - (step - props.heat.lowest) / props.heat.steps) * 100))
  }
  return (
    <div
      class="heat-area"
      style={{
        left: `${left(props.from)}%`,
        width: `${left(props.to) - left(props.from)}%`,
        top: `${top(props.nanos[1])}%`,
        height: `${top(props.nanos[0]) - top(props.nanos[1])}%`,
      }}
    />
  )
}

async function readHeat({ from, to, where }: Selection, signal: AbortSignal): Promise<Heat> {
  const barMs = barWidthMs(to - from)
  const first = Math.floor(from / barMs) * barMs
  const rows = await askRows(heatSql({ from: first, to, where }, barMs), [], signal)
  return heatOf(rows, first, to, barMs)
}
