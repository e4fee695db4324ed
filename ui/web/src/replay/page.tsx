/** Replay: what is stored made anew, beside what is live; how far it is, what differs, and which of them SQL reads. */
import { createEffect, createMemo, For, onMount, Show } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { GenerationAnswer } from '#ui/server/api/replay_routes.ts'
import { createAction } from '../api/action.ts'
import { change, read } from '../api/call.ts'
import { createPolled } from '../api/polled.ts'
import { bytes } from '../format/numbers.ts'
import { Confirmed, Failed, Section, When } from '../settings/parts.tsx'
import { say } from '../shell/toast.tsx'
import { Start } from './start.tsx'
import { UnderWay } from './under_way.tsx'
import '../style/settings.css'
import '../style/replay.css'

const PACE = { intervalMs: 1_000, restTimes: 2, goesOn: () => true }
const UNDER_WAY = ['running', 'caught_up', 'flipping']

const WORDS: Readonly<Record<GenerationAnswer['state'], string>> = {
  running: 'being filled',
  caught_up: 'keeps up',
  flipping: 'becoming live',
  discarding: 'being taken away',
  live: 'live',
  retired: 'was live',
  discarded: 'gone',
  failed: 'failed',
}

export default function ReplayPage() {
  onMount(() => {
    document.title = 'Replay · millrace'
  })
  const { answer, problem, again } = createPolled(
    () => '/v1/replays',
    (path, signal) => read<{ readonly items: readonly GenerationAnswer[] }>(path, signal),
    PACE,
  )
  // What is read again keeps its line: a question asked in it stays open.
  const [items, setItems] = createStore<GenerationAnswer[]>([])
  createEffect(() => setItems(reconcile([...(answer()?.items ?? [])], { key: 'generation' })))
  const underWay = createMemo(() => items.find(({ state }) => UNDER_WAY.includes(state)))
  const discarding = createAction()
  const discard = async (generation: number) => {
    if (!(await discarding.run(() => change('DELETE', `/v1/replays/${generation}`)))) return
    say(`Generation ${generation} is discarded.`)
    again()
  }
  return (
    <>
      <div class="bar">
        <h1>Replay</h1>
        <span class="q">what is stored, made anew from the raw topic with today's stages, beside what is live</span>
        <span class="grow" />
        <a class="btn quiet" href="/pipeline">
          Pipeline
        </a>
      </div>
      <Show when={problem()}>
        {(text) => (
          <div class="problem" role="alert">
            {text()}
          </div>
        )}
      </Show>
      <Show when={answer()} fallback={<p class="drawer-note">Asking the server…</p>}>
        <div class="settings">
          <Show when={underWay()} fallback={<Start started={again} />}>
            {(generation) => (
              <UnderWay
                of={generation()}
                changed={again}
                discard={() => void discard(generation().generation)}
                isDiscarding={discarding.busy()}
              />
            )}
          </Show>
          <Section
            title="Generations"
            note="A lake and a set of projections, made by one version of the stages. SQL and the pages read the live one; one that was live is kept until it is discarded."
          >
            <table class="set-table">
              <thead>
                <tr>
                  <th class="num">Number</th>
                  <th>State</th>
                  <th>Lake</th>
                  <th>Projections</th>
                  <th class="num">Size</th>
                  <th>Stages</th>
                  <th>Made, UTC</th>
                  <th>Live since, UTC</th>
                  <th>
                    <span class="visually-hidden">Discard</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                <For each={items}>
                  {(each) => (
                    <tr>
                      <td class="num data">{each.generation}</td>
                      <td>
                        <span class="badge" classList={{ err: each.state === 'failed' }}>
                          {WORDS[each.state]}
                        </span>{' '}
                        <span class="q2 replay-reason">{each.reason}</span>
                      </td>
                      <td class="data q2">{each.lake === each.generation ? 'own' : `of ${each.lake}`}</td>
                      <td class="data q2">{each.projections === each.generation ? 'own' : `of ${each.projections}`}</td>
                      <td class="num q2">{each.size_bytes === null ? '–' : bytes(each.size_bytes)}</td>
                      <td class="data q2" title="Changes with stages and settings">
                        {each.stages ?? '–'}
                      </td>
                      <td class="q2">
                        <When at={each.created_at} />
                      </td>
                      <td class="q2">
                        <Show when={each.live_at} fallback="–">
                          {(at) => <When at={at()} />}
                        </Show>
                      </td>
                      <td class="num">
                        <Show when={each.state === 'retired' || each.state === 'failed'}>
                          <Confirmed
                            label="Discard"
                            of={`generation ${each.generation}`}
                            sentence="Its files and tables are deleted."
                            busy={discarding.busy()}
                            do={() => void discard(each.generation)}
                          />
                        </Show>
                      </td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
            <Failed action={discarding} />
          </Section>
        </div>
      </Show>
    </>
  )
}
