/** A chart over time, drawn by uPlot, which is loaded with the first one. Colours are the theme's and change with it. */
import { createEffect, onCleanup, onMount } from 'solid-js'
import type uPlot from 'uplot'
import { clock } from '../format/time.ts'
import { theme } from '../shell/theme.ts'
import 'uplot/dist/uPlot.min.css'
import '../style/chart.css'

const DAY_S = 86_400
const MINUTE_S = 60
const TIME_AXIS_PX = 28

export interface Drawing {
  readonly series: readonly uPlot.Series[]
  /** Unix seconds, ascending; then the values of each series. */
  readonly data: uPlot.AlignedData
  /** Where the time ends, Unix seconds: bars go on after the last. */
  readonly end?: number
  /** How a value is said at the axis. */
  readonly values?: (value: number) => string
}

/** Days where the ticks are days apart, else times of day; seconds where they are not whole minutes. */
function tickLabels(ticks: readonly number[]): string[] {
  if ((ticks[1] - ticks[0] || 0) >= DAY_S) return ticks.map((at) => new Date(at * 1000).toISOString().slice(5, 10))
  const length = ticks.every((at) => at % MINUTE_S === 0) ? 'hh:mm'.length : 'hh:mm:ss'.length
  return ticks.map((at) => clock(at * 1000).slice(0, length))
}

export function Plot(props: {
  /** @param colour of a token, by its name */
  readonly drawing: (colour: (token: string) => string, uplot: typeof uPlot) => Drawing
  readonly heightPx: number
  /** One line: what there is to see. */
  readonly label: string
}) {
  let box!: HTMLDivElement
  let plot: uPlot | undefined
  let isGone = false
  let drawn = 0

  async function draw(of: typeof props.drawing): Promise<void> {
    const turn = ++drawn
    const { default: UPlot } = await import('uplot')
    if (isGone || turn !== drawn) return
    plot?.destroy()
    const style = getComputedStyle(document.documentElement)
    const colour = (token: string) => style.getPropertyValue(token).trim()
    const axis = {
      stroke: colour('--text-3'),
      grid: { stroke: colour('--chart-grid'), width: 1 },
      ticks: { show: false },
      font: `10px ${colour('--font-ui')}`,
    }
    const { series, data, end, values } = of(colour, UPlot)
    const shown = values && { values: (_: uPlot, ticks: number[]) => ticks.map(values) }
    plot = new UPlot(
      {
        width: box.clientWidth,
        height: props.heightPx,
        cursor: { points: { size: 6 } },
        tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'UTC'),
        padding: [8, 24, 0, 0],
        axes: [
          { ...axis, size: TIME_AXIS_PX, values: (_, ticks) => tickLabels(ticks) },
          { ...axis, size: 56, ...shown },
        ],
        ...(end !== undefined && { scales: { x: { range: [data[0][0], end] } } }),
        series: [
          {
            label: 'UTC',
            value: (_, at) => (at === null ? '' : new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')),
          },
          ...series,
        ],
      },
      data,
      box,
    )
  }

  createEffect(() => {
    theme()
    void draw(props.drawing)
  })
  onMount(() => {
    const observer = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: props.heightPx }))
    observer.observe(box)
    onCleanup(() => {
      isGone = true
      observer.disconnect()
      plot?.destroy()
    })
  })
  return (
    <div class="chart" role="img" aria-label={props.label}>
      <div ref={box} />
    </div>
  )
}
