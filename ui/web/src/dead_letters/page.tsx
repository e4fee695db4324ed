/** Dead letters: what could not be treated, why, and what is to become of it. */
import { createEffect, createMemo, createSignal, For, on, onMount, Show } from 'solid-js'
import type { DeadLetterGroupAnswer } from '#ui/server/api/dead_letter_routes.ts'
import { readAll } from '../api/listed.ts'
import { createPolled } from '../api/polled.ts'
import { count } from '../format/numbers.ts'
import { ago } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { useKeys } from '../shell/keyboard.ts'
import { param, setParams } from '../shell/router.ts'
import { GroupDrawer } from './group_drawer.tsx'
import { Stopped } from './stopped.tsx'
import '../style/dead_letters.css'

const INTERVAL_MS = 5_000

const STATES = [
  { state: 'open', name: 'Open', keys: '1' },
  { state: 'requeued', name: 'Requeued', keys: '2' },
  { state: 'discarded', name: 'Discarded', keys: '3' },
] as const
export type State = (typeof STATES)[number]['state']

/** What may stand in the address: links of other pages ask for one stage, code or topic. */
const FILTERS = ['stage', 'code', 'topic'] as const

export default function DeadLettersPage() {
  onMount(() => {
    document.title = 'Dead letters · millrace'
  })
  const state = createMemo((): State => STATES.find((each) => each.state === param('state'))?.state ?? 'open')
  const listPath = createMemo(() => {
    const search = new URLSearchParams({ state: state() })
    for (const name of FILTERS) if (param(name)) search.set(name, param(name)!)
    return `/v1/dead_letters?${search}`
  })
  const { answer, problem, again } = createPolled(
    listPath,
    async (path, signal) => ({ path, groups: await readAll<DeadLetterGroupAnswer>(path, signal) }),
    { intervalMs: INTERVAL_MS, restTimes: 20, goesOn: () => true },
  )
  // An answer to another question is none.
  const groups = () => (answer()?.path === listPath() ? answer()!.groups : null)
  const events = () => (groups() ?? []).reduce((sum, group) => sum + group.events, 0)
  const selected = createMemo(() => groups()?.find(({ cause }) => cause === param('cause')) ?? null)
  const [done, setDone] = createSignal<string | null>(null)
  createEffect(on(state, () => setDone(null), { defer: true }))

  const select = (cause: string | null) => setParams({ cause }, (param('cause') === null) !== (cause === null))
  const setState = (next: State) => setParams({ state: next === 'open' ? null : next, cause: null })
  const move = (by: number) => {
    const all = groups() ?? []
    const at = all.findIndex(({ cause }) => cause === param('cause'))
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]
    if (next === undefined) return false
    select(next.cause)
    document.getElementById(`cause-${next.cause}`)?.scrollIntoView({ block: 'nearest' })
  }
  useKeys([
    { keys: 'j', does: 'next cause', run: () => move(1) },
    { keys: 'k', does: 'cause before', run: () => move(-1) },
    { keys: 'ArrowDown', does: '', hidden: true, run: () => move(1) },
    { keys: 'ArrowUp', does: '', hidden: true, run: () => move(-1) },
    ...STATES.map((each) => ({ keys: each.keys, does: each.name.toLowerCase(), run: () => setState(each.state) })),
    { keys: 'Escape', does: 'close', run: () => (param('cause') === null ? false : select(null)) },
  ])

  return (
    <>
      <div class="bar">
        <h1>Dead letters</h1>
        <span class="q">
          <Show when={groups()} fallback="events that could not be treated, by cause">
            {(all) => (
              <>
                {count(events())} {events() === 1 ? 'event' : 'events'}, {count(all().length)}{' '}
                {all().length === 1 ? 'cause' : 'causes'}
              </>
            )}
          </Show>
        </span>
        <For each={FILTERS}>
          {(name) => (
            <Show when={param(name)}>
              {(value) => (
                <button
                  type="button"
                  class="btn sm dead-filter"
                  aria-label={`Without ${name} = ${value()}`}
                  onClick={() => setParams({ [name]: null, cause: null })}
                >
                  <span class="q">{name} =</span> <span class="data">{value()}</span> <span aria-hidden="true">×</span>
                </button>
              )}
            </Show>
          )}
        </For>
        <span class="grow" />
        <div class="seg" role="tablist" aria-label="What was decided">
          <For each={STATES}>
            {(each) => (
              <button
                type="button"
                role="tab"
                aria-selected={state() === each.state}
                classList={{ on: state() === each.state }}
                onClick={() => setState(each.state)}
              >
                {each.name}
              </button>
            )}
          </For>
        </div>
        <a class="btn quiet" href="/pipeline">
          Pipeline
        </a>
      </div>
      <Stopped />
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
      <p class="dead-done" role="status" hidden={done() === null}>
        {done()}
      </p>
      <div class="split">
        <div class="list-side">
          <Show when={groups()}>
            {(all) => (
              <Show when={all().length > 0} fallback={<None state={state()} />}>
                <section class="dead-list" tabindex={0} aria-label="Causes">
                  <table>
                    <thead>
                      <tr>
                        <th class="num">Events</th>
                        <th class="why">Why</th>
                        <th>Code</th>
                        <th>Stage or sink</th>
                        <th>Services</th>
                        <th>Last received</th>
                      </tr>
                    </thead>
                    <tbody>
                      <For each={all()}>
                        {(group) => (
                          <tr
                            id={`cause-${group.cause}`}
                            classList={{ sel: group.cause === selected()?.cause }}
                            onClick={() => select(group.cause)}
                          >
                            <td class="num data">{count(group.events)}</td>
                            <td class="why">
                              <button type="button" class="link hi data" title={group.example}>
                                {group.detail || 'without a word'}
                              </button>
                            </td>
                            <td class="data q2">{group.code}</td>
                            <td class="data q2">{group.stage}</td>
                            <td class="q2 dead-services" title={group.services.join(', ')}>
                              {group.services.join(', ')}
                            </td>
                            <td class="q2 data" title={group.last_seen}>
                              {ago(Date.parse(group.last_seen), now())}
                            </td>
                          </tr>
                        )}
                      </For>
                    </tbody>
                  </table>
                </section>
              </Show>
            )}
          </Show>
        </div>
        <Show when={selected()?.cause} keyed>
          <GroupDrawer
            group={selected()!}
            state={state()}
            close={() => select(null)}
            move={move}
            decided={(sentence) => {
              setDone(sentence)
              select(null)
              again()
            }}
          />
        </Show>
      </div>
    </>
  )
}

function None(props: { readonly state: State }) {
  const isFiltered = () => FILTERS.some((name) => param(name) !== null)
  return (
    <div class="empty dead-none">
      <Show
        when={!isFiltered()}
        fallback={
          <>
            <h2>None of that kind.</h2>
            <button type="button" class="btn" onClick={() => setParams({ stage: null, code: null, topic: null })}>
              Show all
            </button>
          </>
        }
      >
        <Show
          when={props.state === 'open'}
          fallback={
            <>
              <h2>Nothing was {props.state} that is still kept.</h2>
              <p>Dead letters are kept for a week, and so is what was decided about them.</p>
            </>
          }
        >
          <h2>Every event could be treated.</h2>
          <p>
            What a stage cannot treat, or a sink cannot take, is kept here for a week with its reason, and everything
            else goes on. A stage of your own puts an event aside with
          </p>
          <p>
            <code>return deadLetter('bad_total', 'order.total is -1')</code>
          </p>
          <a class="btn" href="/ledger">
            What became of every event
          </a>
        </Show>
      </Show>
    </div>
  )
}
