/** An answer as lines over time, drawn by uPlot, which is loaded with the first chart. */

import { createEffect, onCleanup, onMount } from 'solid-js'
import type uPlot from 'uplot'
import { clock } from '../format/time.ts'
import { theme } from '../shell/theme.ts'
import type { ChartData } from './shape.ts'
import 'uplot/dist/uPlot.min.css'

const HEIGHT_PX = 200
const DAY_S = 86_400

/** Days where the ticks are days apart, else times of day. */
const tickLabels = (ticks: readonly number[]): string[] =>
  ticks.map((at) =>
    (ticks[1] - ticks[0] || 0) >= DAY_S ? new Date(at * 1000).toISOString().slice(5, 10) : clock(at * 1000),
  )

export function Chart(props: { readonly data: ChartData }) {
  let box!: HTMLDivElement
  let plot: uPlot | undefined
  let isGone = false

  async function draw(data: ChartData): Promise<void> {
    const { default: UPlot } = await import('uplot')
    if (isGone) return
    plot?.destroy()
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const font = `10px ${colour('--font-ui')}`
    const axis = {
      stroke: colour('--text-3'),
      grid: { stroke: colour('--chart-grid'), width: 1 },
      ticks: { show: false },
      font,
    }
    plot = new UPlot(
      {
        width: box.clientWidth,
        height: HEIGHT_PX,
        cursor: { points: { size: 6 } },
        tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'UTC'),
        padding: [8, 24, 0, 0],
        axes: [
          { ...axis, values: (_, ticks) => tickLabels(ticks) },
          { ...axis, size: 56 },
        ],
        series: [
          {
            label: 'UTC',
            value: (_, at) => (at === null ? '' : new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')),
          },
          ...data.series.map(({ name }, at) => ({
            label: name,
            stroke: colour(`--svc-${at + 1}`),
            width: 1.5,
            spanGaps: false,
          })),
        ],
      },
      [data.times as number[], ...data.series.map(({ values }) => values)],
      box,
    )
  }

  createEffect(() => {
    theme()
    void draw(props.data)
  })
  onMount(() => {
    const observer = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT_PX }))
    observer.observe(box)
    onCleanup(() => {
      isGone = true
      observer.disconnect()
      plot?.destroy()
    })
  })
  return (
    <div
      class="chart"
      ref={box}
      role="img"
      aria-label={`${props.data.series.length} lines over time; the table below has the numbers`}
    />
  )
}
