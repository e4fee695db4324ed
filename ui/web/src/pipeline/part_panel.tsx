/** One part: its last five minutes and its partitions. */
import { createMemo, For, Show } from 'solid-js'
import type { PartReport, Sample, TopologyReport } from '../api/topology.ts'
import { bytes, count, duration, rate } from '../format/numbers.ts'
import { clock } from '../format/time.ts'
import { linkTo } from '../shell/router.ts'
import { conditionOf, type PartRates, ratesOf } from './rates.ts'

const WIDTH = 286
const HEIGHT = 64

export function PartPanel(props: {
  readonly part: PartReport
  readonly report: TopologyReport
  readonly samples: readonly Sample[]
}) {
  const rates = createMemo(() => ratesOf(props.samples, props.part.name))
  const stage = () => props.report.stages.find(({ name }) => name === props.part.name)
  const last = () => rates().at(-1)
  const perEvent = () =>
    props.part.events_total === 0
      ? ''
      : `${duration((props.part.busy_seconds_total * 1000) / props.part.events_total)} an event`
  return (
    <section class="panel" aria-label={`${props.part.kind} ${props.part.name}`}>
      <div class="phead">
        <h2 class="data">{props.part.name}</h2>
        <Show when={conditionOf(props.part) !== 'well'}>
          <span
            class="badge"
            classList={{ warn: conditionOf(props.part) === 'late', err: conditionOf(props.part) === 'stopped' }}
          >
            {conditionOf(props.part)}
          </span>
        </Show>
        <span class="q">
          reads {props.part.consumes}
          <Show when={stage()}>{(found) => <>, writes {found().produces}</>}</Show>
          {`, ${count(props.part.batches_total)} batches`}
          <Show when={props.part.bytes_out_total > 0}>{`, ${bytes(props.part.bytes_out_total)} out`}</Show>
        </span>
        <span class="grow" />
        <span class="q">
          <a class="link" href={linkTo('/dead-letters', { stage: props.part.name })}>
            Dead letters <b class="hi">{count(props.part.dead_letters_total)}</b>
          </a>
          , retries <b class="hi">{count(props.part.retries_total)}</b>, stops{' '}
          <b class="hi">{count(props.part.errors_total)}</b>
        </span>
      </div>
      <For each={props.part.partitions.filter(({ reason }) => reason !== null)}>
        {(partition) => (
          <div class="adv">
            <span class="warn">
              Partition {partition.partition} is {partition.condition}:
            </span>
            <span>{partition.reason}</span>
          </div>
        )}
      </For>
      <div class="cols">
        <Chart
          title="Events in"
          value={rate(last()?.events ?? props.part.events_per_second)}
          rates={rates()}
          of={(at) => at.events}
        />
        <Chart title="Behind, records" value={count(props.part.lag_records)} rates={rates()} of={(at) => at.lag} />
        <Chart
          title="Time busy"
          value={`${Math.round((last()?.busy ?? 0) * 100)}%`}
          note={perEvent()}
          rates={rates()}
          of={(at) => at.busy}
        />
        <table>
          <caption class="visually-hidden">Partitions of {props.part.name}</caption>
          <thead>
            <tr>
              <th>Partition</th>
              <th>Condition</th>
              <th class="num">Behind</th>
            </tr>
          </thead>
          <tbody>
            <For each={props.part.partitions.slice(0, MAX_PARTITIONS)}>
              {(partition) => (
                <tr classList={{ hot: partition.condition === 'stopped' }}>
                  <td class="data">{partition.partition}</td>
                  <td class="q2">{[partition.condition, partition.worker].filter(Boolean).join(' on ')}</td>
                  <td class="num data q2">{count(partition.lag_records)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </section>
  )
}

/** As many as fit; those worst off are named above in any case. */
const MAX_PARTITIONS = 64

function Chart(props: {
  readonly title: string
  readonly value: string
  readonly note?: string
  readonly rates: readonly PartRates[]
  readonly of: (at: PartRates) => number
}) {
  const highest = () => Math.max(1e-9, ...props.rates.map(props.of))
  const points = () =>
    props.rates
      .map((at, index) => {
        const x = props.rates.length < 2 ? WIDTH : (index / (props.rates.length - 1)) * WIDTH
        return `${x.toFixed(1)},${(HEIGHT - 2 - (props.of(at) / highest()) * (HEIGHT - 8)).toFixed(1)}`
      })
      .join(' ')
  return (
    <div>
      <h3>{props.title}</h3>
      <div class="big">
        {props.value} <small>{props.note}</small>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width="100%"
        height={HEIGHT}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path d={`M0 21h${WIDTH}M0 42h${WIDTH}`} stroke="var(--chart-grid)" vector-effect="non-scaling-stroke" />
        <polyline points={points()} class="line" vector-effect="non-scaling-stroke" />
        <path d={`M0 ${HEIGHT - 0.5}h${WIDTH}`} stroke="var(--line)" vector-effect="non-scaling-stroke" />
      </svg>
      <div class="chart-ends">
        <span>{props.rates[0] === undefined ? '' : clock(props.rates[0].at)}</span>
        <span class="acc">now</span>
      </div>
    </div>
  )
}
