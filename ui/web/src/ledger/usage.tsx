/** What the project sends by hour: a chart, and its twin as a table. */
import { createMemo, For, Show } from 'solid-js'
import { readUsage } from '../api/account.ts'
import { createPolled } from '../api/polled.ts'
import { Plot } from '../chart/plot.tsx'
import { bytes, count } from '../format/numbers.ts'
import { linkTo } from '../shell/router.ts'
import { type Hour, hoursOf, type Measure, SIGNALS, type Signal, totalOf } from './hours.ts'

const INTERVAL_MS = 15_000
const HOUR_MS = 3_600_000
const HOURS = { '-1d': 24, '-7d': 7 * 24 } as const
const HEIGHT_PX = 180
/** Grey on purpose: the colours are the services'. */
const TOKENS: Readonly<Record<Signal, string>> = { logs: '--text-2', traces: '--chart-bar', metrics: '--text-3' }
/** Signals whose rows Events shows. */
const SHOWS: Readonly<Partial<Record<Signal, string>>> = { logs: 'logs', traces: 'spans' }

export function Usage(props: {
  readonly by: Measure
  readonly setBy: (by: Measure) => void
  readonly span: keyof typeof HOURS
  readonly setSpan: (span: keyof typeof HOURS) => void
}) {
  const { answer, problem, again } = createPolled(
    () => props.span,
    async (span, signal) => {
      const to = Date.now()
      const from = to - (HOURS[span] - 1) * HOUR_MS
      return hoursOf(await readUsage(Math.floor(from / HOUR_MS) * HOUR_MS, signal), from, to)
    },
    { intervalMs: INTERVAL_MS, restTimes: 20, goesOn: () => true },
  )
  const total = createMemo(() => (answer() ?? []).reduce((sum, hour) => sum + totalOf(hour, props.by), 0))
  const shown = () => (props.by === 'bytes' ? bytes : count)
  const seg = <T extends string>(
    label: string,
    of: readonly (readonly [T, string])[],
    now: T,
    set: (to: T) => void,
  ) => (
    <div class="seg" role="group" aria-label={label}>
      <For each={of}>
        {([value, name]) => (
          <button
            type="button"
            classList={{ on: now === value }}
            aria-pressed={now === value}
            onClick={() => set(value)}
          >
            {name}
          </button>
        )}
      </For>
    </div>
  )
  return (
    <section class="usage" aria-labelledby="usage-title">
      <div class="usage-head">
        <h2 id="usage-title">Sent by hour</h2>
        <Show when={answer()}>
          <span class="q">
            <b class="hi">{shown()(total())}</b> {props.by === 'bytes' ? 'uncompressed' : 'events stored'} in{' '}
            {props.span === '-1d' ? '24 hours' : '7 days'}
          </span>
        </Show>
        <span class="grow" />
        {seg(
          'Measure',
          [
            ['events', 'Events'],
            ['bytes', 'Bytes'],
          ] as const,
          props.by,
          props.setBy,
        )}
        {seg(
          'Range',
          [
            ['-1d', 'Last 24 h'],
            ['-7d', 'Last 7 d'],
          ] as const,
          props.span,
          props.setSpan,
        )}
      </div>
      <Show when={problem()}>
        {(text) => (
          <div class="problem" role="alert">
            {text()}{' '}
            <button type="button" class="link" onClick={again}>
              Try again
            </button>
          </div>
        )}
      </Show>
      <Show when={answer()}>
        {(hours) => (
          <Show when={total() > 0} fallback={<NothingSent />}>
            <UsageChart hours={hours()} by={props.by} shown={shown()} />
            <UsageTable hours={hours()} by={props.by} shown={shown()} />
          </Show>
        )}
      </Show>
    </section>
  )
}

function NothingSent() {
  return (
    <p class="q2 usage-none">
      Nothing was sent in this time.{' '}
      <a class="link" href="/events">
        Events
      </a>{' '}
      says how to send something.
    </p>
  )
}

interface Shown {
  readonly hours: readonly Hour[]
  readonly by: Measure
  readonly shown: (value: number) => string
}

/** Bars on one another: the highest sum is drawn first, the others over it. */
function UsageChart(props: Shown) {
  const drawing = createMemo(() => {
    const { hours, by, shown } = props
    return (colour: (token: string) => string, uplot: Parameters<Parameters<typeof Plot>[0]['drawing']>[1]) => {
      const sums = SIGNALS.map((_, at) =>
        hours.map((hour) => SIGNALS.slice(0, at + 1).reduce((sum, signal) => sum + hour[by][signal], 0)),
      ).toReversed()
      return {
        data: [hours.map(({ at }) => at / 1000), ...sums] as [number[], ...number[][]],
        end: hours[hours.length - 1].at / 1000 + HOUR_MS / 1000,
        values: shown,
        series: SIGNALS.toReversed().map((signal) => ({
          label: signal,
          fill: colour(TOKENS[signal]),
          width: 0,
          points: { show: false },
          paths: uplot.paths.bars!({ size: [0.8, 40], align: 1 }),
          value: (_: unknown, __: unknown, ___: number, at: number | null) =>
            at === null ? '' : shown(hours[at][by][signal]),
        })),
      }
    }
  })
  const highest = () =>
    props.hours.reduce((best, hour) => (totalOf(hour, props.by) > totalOf(best, props.by) ? hour : best))
  return (
    <Plot
      heightPx={HEIGHT_PX}
      drawing={drawing()}
      label={`Bars by hour, highest ${props.shown(totalOf(highest(), props.by))} at ${hourText(highest().at)} UTC; the table below has the numbers`}
    />
  )
}

function UsageTable(props: Shown) {
  const sent = () =>
    props.hours.filter((hour) => totalOf(hour, 'bytes') > 0 || totalOf(hour, 'events') > 0).toReversed()
  return (
    <table class="usage-table">
      <caption class="visually-hidden">Sent by hour and signal</caption>
      <thead>
        <tr>
          <th>Hour, UTC</th>
          <For each={SIGNALS}>{(signal) => <th class="num">{signal}</th>}</For>
          <th class="num">all</th>
        </tr>
      </thead>
      <tbody>
        <For each={sent()}>
          {(hour) => (
            <tr>
              <td class="data">{hourText(hour.at)}</td>
              <For each={SIGNALS}>
                {(signal) => (
                  <td class="num" classList={{ q: hour[props.by][signal] === 0 }}>
                    <Show
                      when={SHOWS[signal] !== undefined && hour.events[signal] > 0}
                      fallback={props.shown(hour[props.by][signal])}
                    >
                      <a class="link" href={linkTo('/events', { ...rangeOf(hour), show: SHOWS[signal]! })}>
                        {props.shown(hour[props.by][signal])}
                      </a>
                    </Show>
                  </td>
                )}
              </For>
              <td class="num">
                <a class="link" href={linkTo('/events', rangeOf(hour))}>
                  {props.shown(totalOf(hour, props.by))}
                </a>
              </td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  )
}

const hourText = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')
const rangeOf = ({ at }: Hour) => ({
  range: `${new Date(at).toISOString()}/${new Date(at + HOUR_MS).toISOString()}`,
})
