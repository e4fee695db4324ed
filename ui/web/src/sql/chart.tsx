/** An answer as lines over time. */
import { type Drawing, Plot } from '../chart/plot.tsx'
import type { ChartData } from './shape.ts'

const HEIGHT_PX = 200

export function Chart(props: { readonly data: ChartData }) {
  return (
    <Plot
      heightPx={HEIGHT_PX}
      label={`${props.data.series.length} lines over time; the table below has the numbers`}
      drawing={drawingOf(props.data)}
    />
  )
}

const drawingOf =
  ({ times, series }: ChartData) =>
  (colour: (token: string) => string): Drawing => ({
    data: [times as number[], ...series.map(({ values }) => values)],
    series: series.map(({ name }, at) => ({
      label: name,
      stroke: colour(`--svc-${at + 1}`),
      width: 1.5,
      spanGaps: false,
    })),
  })
