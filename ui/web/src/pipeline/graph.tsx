/** The topology drawn: parts as boxes, topics as channels whose width and drops say how much moves. */
import { createMemo, For, Show } from 'solid-js'
import { session } from '../api/session.ts'
import type { PartReport, Sample, TopologyReport } from '../api/topology.ts'
import { count, rate } from '../format/numbers.ts'
import { layoutOf, NODE, type PlacedEdge, type PlacedNode } from './layout.ts'
import { conditionOf, ratesOf } from './rates.ts'

const BUSY_PX = NODE.width - 20

export function Graph(props: {
  readonly report: TopologyReport
  readonly samples: readonly Sample[]
  readonly selected: string | undefined
  readonly select: (name: string) => void
}) {
  // Drawn anew only when parts come or go, not with every answer.
  const shape = createMemo(() => JSON.stringify([props.report.stages, props.report.sinks]))
  const layout = createMemo(() => {
    const [stages, sinks] = JSON.parse(shape()) as [TopologyReport['stages'], TopologyReport['sinks']]
    return layoutOf({ stages, sinks })
  })
  const partOf = (name: string) => props.report.parts.find((part) => part.name === name)
  /** What flows on a topic is what its reader takes in. */
  const rateOf = (edge: PlacedEdge) => partOf(edge.to.name)?.events_per_second ?? 0

  return (
    <section class="canvas" aria-label="Stages and topics from left to right">
      <svg
        class="graph"
        viewBox={`0 0 ${layout().width} ${layout().height}`}
        width={layout().width}
        height={layout().height}
      >
        <For each={layout().edges}>
          {(edge) => (
            <Channel edge={edge} perSecond={rateOf(edge)} late={conditionOf(partOf(edge.to.name)!) !== 'well'} />
          )}
        </For>
        <For each={layout().nodes}>
          {(node) => (
            <Show when={partOf(node.name)} fallback={<Input node={node} />}>
              {(part) => (
                <PartNode
                  node={node}
                  part={part()}
                  busy={ratesOf(props.samples.slice(-2), node.name).at(-1)?.busy ?? 0}
                  selected={props.selected === node.name}
                  select={() => props.select(node.name)}
                />
              )}
            </Show>
          )}
        </For>
      </svg>
    </section>
  )
}

function Channel(props: { readonly edge: PlacedEdge; readonly perSecond: number; readonly late: boolean }) {
  const width = () => (props.perSecond === 0 ? 1.2 : 1.2 + Math.min(2.6, Math.log10(1 + props.perSecond) * 0.75))
  const seconds = () => Math.max(0.6, 3 - Math.log10(1 + props.perSecond) * 0.7)
  return (
    <g>
      <path d={props.edge.path} class="pipe" classList={{ late: props.late }} stroke-width={width() + 3.2} />
      <Show when={props.perSecond > 0}>
        <path
          d={props.edge.path}
          class="flow"
          classList={{ late: props.late }}
          stroke-width={width()}
          style={{ 'animation-duration': `${seconds().toFixed(1)}s` }}
        />
      </Show>
      <Show when={props.edge.named}>
        <text x={props.edge.x} y={props.edge.y - 11} class="tn" text-anchor="middle">
          {shortName(props.edge.topic)}
        </text>
        <text x={props.edge.x} y={props.edge.y + 19} class="tr" text-anchor="middle">
          {rate(props.perSecond)}
        </text>
      </Show>
    </g>
  )
}

/** `telemetry.normalized.v1` is `normalized` where every topic is of telemetry. */
const shortName = (topic: string) => topic.replace(/^telemetry\./, '').replace(/\.v\d+$/, '')

function Input(props: { readonly node: PlacedNode }) {
  return (
    <g class="node in">
      <circle cx={props.node.x + 2} cy={props.node.y + 17} r="3" />
      <text x={props.node.x + 12} y={props.node.y + 21} class="nt">
        OTLP gRPC :{session()?.otlp.grpc}
      </text>
      <circle cx={props.node.x + 2} cy={props.node.y + 37} r="3" />
      <text x={props.node.x + 12} y={props.node.y + 41} class="nt">
        OTLP HTTP :{session()?.otlp.http}
      </text>
    </g>
  )
}

function PartNode(props: {
  readonly node: PlacedNode
  readonly part: PartReport
  readonly busy: number
  readonly selected: boolean
  readonly select: () => void
}) {
  const condition = () => conditionOf(props.part)
  const x = () => props.node.x + 10
  const unwell = () => condition() !== 'well'
  const state = () => (condition() === 'stopped' ? 'stopped' : `${count(props.part.lag_records)} records behind`)
  return (
    <g
      class="node"
      classList={{ hot: unwell(), stopped: condition() === 'stopped', sel: props.selected }}
      role="button"
      tabIndex={0}
      aria-pressed={props.selected}
      onClick={props.select}
      onKeyDown={({ key }) => key === 'Enter' && props.select()}
    >
      <rect x={props.node.x} y={props.node.y} width={NODE.width} height={NODE.height + (unwell() ? 24 : 0)} rx="5" />
      <Show when={props.node.kind === 'sink'}>
        <path d={`M${props.node.x + NODE.width - 4} ${props.node.y + 6}v${NODE.height - 12}`} class="sk" />
      </Show>
      <text x={x()} y={props.node.y + 19} class="nt">
        {props.part.name}
      </text>
      <text x={x()} y={props.node.y + 35} class="ns">
        {rate(props.part.events_per_second)}
      </text>
      <text x={x() + BUSY_PX - 2} y={props.node.y + 35} class="ns" text-anchor="end">
        {Math.round(props.busy * 100)}%
      </text>
      <rect x={x()} y={props.node.y + 43} width={BUSY_PX - 2} height="3" rx="1" class="ut" />
      <rect
        x={x()}
        y={props.node.y + 43}
        width={Math.min(1, props.busy) * (BUSY_PX - 2)}
        height="3"
        rx="1"
        class="uv"
      />
      <Show when={unwell()}>
        <path d={`M${props.node.x + 1} ${props.node.y + NODE.height + 0.5}h${NODE.width - 2}`} class="strip" />
        <text x={x()} y={props.node.y + NODE.height + 16} class="l1">
          {state()}
        </text>
      </Show>
    </g>
  )
}
