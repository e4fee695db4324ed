/** The replay under way: how far, what differs from what is live, and the two ways it may end. */
import { For, Show } from 'solid-js'
import type { ComparisonAnswer, GenerationAnswer } from '#ui/server/api/replay_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { count } from '../format/numbers.ts'
import { Confirmed, Failed, Section } from '../settings/parts.tsx'
import { say } from '../shell/toast.tsx'

const MAX_DAYS = 60

export function UnderWay(props: {
  readonly of: GenerationAnswer
  readonly changed: () => void
  readonly discard: () => void
  readonly isDiscarding: boolean
}) {
  const comparing = createAction()
  const flipping = createAction()
  const path = (what: string) => `/v1/replays/${props.of.generation}/${what}`
  const compare = async () => {
    if (await comparing.run(() => change('POST', path('compare')))) props.changed()
  }
  const flip = async () => {
    const { generation } = props.of
    if (!(await flipping.run(() => change('POST', path('flip'), {})))) return
    say(`Generation ${generation} is live.`)
    props.changed()
  }
  return (
    <>
      <Section title={`Generation ${props.of.generation}`}>
        <Progress of={props.of} />
        <div class="replay-steps">
          <button type="button" class="btn" disabled={comparing.busy()} onClick={() => void compare()}>
            {comparing.busy() ? 'Comparing…' : 'Compare with what is live'}
          </button>
          <button
            type="button"
            class="btn primary"
            disabled={props.of.state !== 'caught_up' || flipping.busy()}
            title={props.of.state === 'running' ? 'It has not caught up yet' : undefined}
            onClick={() => void flip()}
          >
            {flipping.busy() || props.of.state === 'flipping' ? 'Flipping…' : 'Make it live'}
          </button>
          <Confirmed
            label="Discard"
            of={`generation ${props.of.generation}`}
            sentence="What was made so far is deleted."
            busy={props.isDiscarding}
            do={props.discard}
          />
        </div>
        <Failed action={comparing} />
        <Failed action={flipping} />
        <Show when={props.of.reason}>{(reason) => <p class="set-failed warn">{reason()}</p>}</Show>
      </Section>
      <Show when={props.of.comparison}>{(comparison) => <Compared of={comparison()} />}</Show>
    </>
  )
}

function Progress(props: { readonly of: GenerationAnswer }) {
  const progress = () => props.of.progress
  const part = () => {
    const { records, records_total: total } = progress() ?? { records: 0, records_total: 0 }
    return total === 0 ? 0 : Math.min(1, records / total)
  }
  return (
    <Show when={progress()} fallback={<p class="set-note">It is being started.</p>}>
      {(now) => (
        <>
          <div
            class="replay-bar"
            role="progressbar"
            aria-label="Records replayed"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow={Math.floor(part() * 100)}
          >
            <span style={{ width: `${part() * 100}%` }} />
          </div>
          <dl class="replay-numbers">
            <Fact name="Records" value={`${count(now().records)} of ${count(now().records_total)}`} />
            <Fact name="Events" value={count(now().events)} />
            <Fact name="Rate" value={`${count(now().events_per_second)}/s`} />
            <Fact name="Time left" value={timeLeft(props.of)} />
            <Fact name="Dead letters" value={count(now().dead_letters)} warn={now().dead_letters > 0} />
          </dl>
        </>
      )}
    </Show>
  )
}

function Fact(props: { readonly name: string; readonly value: string; readonly warn?: boolean }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd classList={{ warn: props.warn === true }}>{props.value}</dd>
    </div>
  )
}

function timeLeft({ state, progress }: GenerationAnswer): string {
  if (state !== 'running') return 'caught up, keeps up'
  const seconds = progress?.seconds_left ?? null
  if (seconds === null) return progress?.doing ?? '–'
  if (seconds < 60) return `${seconds} s`
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

function Compared(props: { readonly of: ComparisonAnswer }) {
  const unequal = () => props.of.days.filter((day) => !day.is_equal)
  const rows = () => props.of.days.reduce((sum, day) => sum + day.rows, 0)
  return (
    <Section
      title="Compared with what is live"
      note={`Every value of every row, at ${props.of.compared_at.slice(0, 19).replace('T', ' ')} UTC.`}
    >
      <Show
        when={unequal().length > 0}
        fallback={
          <p>
            <span class="badge ok">The same</span> {count(rows())} rows in {count(props.of.days.length)} days and tables
          </p>
        }
      >
        <p>
          {count(unequal().length)} of {count(props.of.days.length)} days and tables differ.
        </p>
        <table class="set-table">
          <thead>
            <tr>
              <th>Table</th>
              <th>Day</th>
              <th>Project</th>
              <th class="num">Rows live</th>
              <th class="num">Rows new</th>
            </tr>
          </thead>
          <tbody>
            <For each={unequal().slice(0, MAX_DAYS)}>
              {(day) => (
                <tr>
                  <td class="data">{day.table}</td>
                  <td class="data">{day.day || 'all'}</td>
                  <td class="data q2">{day.project_id || 'all'}</td>
                  <td class="num">{count(day.live_rows)}</td>
                  <td class="num" classList={{ warn: day.rows !== day.live_rows }}>
                    {count(day.rows)}
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <h3 class="replay-examples">Examples</h3>
        <table class="set-table">
          <thead>
            <tr>
              <th>Id</th>
              <th>Row</th>
              <th>Column</th>
              <th>Live</th>
              <th>New</th>
            </tr>
          </thead>
          <tbody>
            <For each={props.of.differences}>
              {(row) => (
                <For each={row.columns.length === 0 ? [null] : row.columns}>
                  {(column) => (
                    <tr>
                      <td class="data q2">{row.id}</td>
                      <td>{row.kind}</td>
                      <td class="data">{column?.name ?? '–'}</td>
                      <td class="data replay-value">{column?.live ?? '∅'}</td>
                      <td class="data replay-value">{column?.next ?? '∅'}</td>
                    </tr>
                  )}
                </For>
              )}
            </For>
          </tbody>
        </table>
      </Show>
    </Section>
  )
}
