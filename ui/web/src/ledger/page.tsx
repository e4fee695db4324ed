/** Ledger: is anything lost, and if something was not stored, why; and how much is sent. */
import { For, onCleanup, onMount, Show } from 'solid-js'
import { addsUp, type LedgerAnswer, ledger, ledgerProblem, readLedger, watchLedger } from '../api/account.ts'
import { count } from '../format/numbers.ts'
import { useKeys } from '../shell/keyboard.ts'
import { linkTo, param, setParams } from '../shell/router.ts'
import { Usage } from './usage.tsx'
import '../style/ledger.css'

const INTERVAL_MS = 2_000

/** What the words of the ledger mean, and what to do. */
const REASONS: Readonly<Record<string, string>> = {
  refused: 'Refused on arrival, and the sender was told: over the quota of the day, too large, or malformed.',
  duplicate_export: 'The same export again, after a lost answer: the first copy is stored.',
  discarded: 'Dead letters that somebody gave up.',
  malformed: 'Could not be read as OTLP says; the bytes are kept in the raw topic.',
  stage_failed: 'A stage failed at them: mend it and requeue them.',
  sink_refused: 'They do not fit the table: a stage gave a column another type.',
}

export default function LedgerPage() {
  onMount(() => {
    document.title = 'Ledger · millrace'
  })
  onCleanup(watchLedger(INTERVAL_MS))
  const by = () => (param('by') === 'bytes' ? 'bytes' : 'events')
  const span = () => (param('range') === '-7d' ? '-7d' : '-1d')
  const setSpan = (next: '-1d' | '-7d') => setParams({ range: next === '-1d' ? null : next })
  const setBy = (next: 'events' | 'bytes') => setParams({ by: next === 'events' ? null : next })
  useKeys([
    { keys: '1', does: 'last 24 hours', run: () => setSpan('-1d') },
    { keys: '2', does: 'last 7 days', run: () => setSpan('-7d') },
    { keys: 'b', does: 'bytes or events', run: () => setBy(by() === 'bytes' ? 'events' : 'bytes') },
  ])
  return (
    <>
      <div class="bar">
        <h1>Ledger</h1>
        <span class="q">every event this project has sent since it began, and what became of it</span>
        <span class="grow" />
        <a class="btn quiet" href="/pipeline">
          Pipeline
        </a>
      </div>
      <Show when={ledgerProblem()}>
        {(text) => (
          <div class="problem" role="alert">
            {text()}{' '}
            <button type="button" class="link" onClick={() => void readLedger()}>
              Try again
            </button>
          </div>
        )}
      </Show>
      <div class="ledger-page">
        <Show when={ledger()}>
          {(of) => (
            <>
              <Sum of={of()} />
              <div class="ledger-reasons">
                <Reasons
                  title="Dropped, by reason"
                  counts={of().dropped_by_reason}
                  none="Nothing was dropped. What is refused, or arrives twice, is counted here with its reason."
                />
                <Reasons
                  title="Dead-lettered, by code"
                  link={(code) => linkTo('/dead-letters', { code })}
                  counts={of().dead_lettered_by_code}
                  none="Nothing was put aside. An event that no stage can read is kept, and counted here."
                />
              </div>
            </>
          )}
        </Show>
        <Usage by={by()} setBy={setBy} span={span()} setSpan={setSpan} />
      </div>
    </>
  )
}

function Sum(props: { readonly of: LedgerAnswer }) {
  const sent = () => `${props.of.complete ? '' : 'at least '}${count(props.of.in_flight)}`
  return (
    <section class="sum" aria-label="The sum">
      <Term name="Received" value={count(props.of.received)} />
      <i>=</i>
      <Term
        name="Stored"
        value={count(props.of.stored)}
        href={linkTo('/events', { range: '-30d' })}
        title="Open those of the last 30 days"
      />
      <i>+</i>
      <Term name="In flight" value={sent()} href="/pipeline" title="Where it is: Pipeline" />
      <i>+</i>
      <Term name="Dropped, with reason" value={count(props.of.dropped)} />
      <i>+</i>
      <Term
        name="Dead-lettered"
        value={count(props.of.dead_lettered)}
        warn={props.of.dead_lettered > 0}
        href="/dead-letters"
        title="Why, and what to do about them"
      />
      <Show when={props.of.unaccounted !== 0}>
        <i>+</i>
        <Term name="Unaccounted for" value={count(props.of.unaccounted)} bad />
      </Show>
      <Show
        when={addsUp(props.of)}
        fallback={
          <span class="badge" classList={{ err: props.of.unaccounted !== 0, warn: props.of.unaccounted === 0 }}>
            {props.of.unaccounted !== 0 ? 'It does not add up' : 'More is on its way than was counted'}
          </span>
        }
      >
        <span class="badge ok">Nothing lost</span>
      </Show>
    </section>
  )
}

function Term(props: {
  readonly name: string
  readonly value: string
  readonly href?: string
  readonly title?: string
  readonly warn?: boolean
  readonly bad?: boolean
}) {
  return (
    <div class="term">
      <small>{props.name}</small>
      <b classList={{ warn: props.warn === true, err: props.bad === true }}>
        <Show when={props.href} fallback={props.value}>
          {(href) => (
            <a href={href()} title={props.title}>
              {props.value}
            </a>
          )}
        </Show>
      </b>
    </div>
  )
}

function Reasons(props: {
  readonly title: string
  readonly counts: Readonly<Record<string, number>>
  /** Where a reason leads. */
  readonly link?: (reason: string) => string
  readonly none: string
}) {
  const sorted = () =>
    Object.entries(props.counts)
      .filter(([, events]) => events !== 0)
      .sort(([, a], [, b]) => b - a)
  return (
    <section>
      <h2>{props.title}</h2>
      <Show when={sorted().length > 0} fallback={<p class="q2">{props.none}</p>}>
        <table>
          <thead class="visually-hidden">
            <tr>
              <th>Reason</th>
              <th>Events</th>
              <th>What it means</th>
            </tr>
          </thead>
          <tbody>
            <For each={sorted()}>
              {([reason, events]) => (
                <tr>
                  <td class="data">{reason}</td>
                  <td class="num">
                    <Show when={props.link} fallback={count(events)}>
                      {(link) => <a href={link()(reason)}>{count(events)}</a>}
                    </Show>
                  </td>
                  <td class="q2 means">{REASONS[reason] ?? 'A stage of yours says so.'}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </Show>
    </section>
  )
}
