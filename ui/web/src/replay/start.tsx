/** Beginning a replay: from where, and what would be missing. */
import { createEffect, createSignal, createUniqueId, For, on, onCleanup, Show } from 'solid-js'
import { createAction } from '../api/action.ts'
import { isAbort } from '../api/ask.ts'
import { change } from '../api/call.ts'
import { Failed, Field, Section } from '../settings/parts.tsx'
import { beginOf, type Kind } from './begin.ts'

const KINDS: readonly (readonly [kind: Kind, label: string, does: string])[] = [
  ['beginning', 'the beginning', 'everything is made anew, projections as well'],
  ['time', 'a time', 'what was received before it is carried over as it is; projections stay'],
  ['offset', 'an offset', 'of the raw topic, in every partition; the same'],
]

export function Start(props: { readonly started: () => void }) {
  const [kind, setKind] = createSignal<Kind>('beginning')
  const [text, setText] = createSignal('')
  const [missing, setMissing] = createSignal<readonly string[]>([])
  const [isAccepted, setAccepted] = createSignal(false)
  const starting = createAction()
  const name = createUniqueId()
  const begin = () => beginOf(kind(), text())

  createEffect(
    on([kind, text], () => {
      setMissing([])
      setAccepted(false)
      starting.forget()
      const asked = begin()
      if (asked === null) return
      let isOver = false
      onCleanup(() => {
        isOver = true
      })
      change<{ readonly missing: readonly string[] }>('POST', '/v1/replays/missing', asked).then(
        (answer) => {
          if (!isOver) setMissing(answer.missing)
        },
        (error) => {
          if (!isOver && !isAbort(error)) void starting.run(() => Promise.reject(error))
        },
      )
    }),
  )

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const body = { begin: begin(), accept_missing: isAccepted() }
    if (await starting.run(() => change('POST', '/v1/replays', body))) props.started()
  }
  return (
    <Section
      title="New replay"
      note="The raw topic goes through all stages again, into a lake and projections of its own. Nothing live changes until you flip to it; what comes in meanwhile goes first."
    >
      <form class="set-form" onSubmit={submit}>
        <fieldset class="set-field replay-from">
          <legend>From</legend>
          <div class="set-checks">
            <For each={KINDS}>
              {([each, label, does]) => (
                <label>
                  <input type="radio" name={name} checked={kind() === each} onChange={() => setKind(each)} />
                  {label} <span class="q">{does}</span>
                </label>
              )}
            </For>
          </div>
        </fieldset>
        <Show when={kind() === 'time'}>
          <Field label="Received from, UTC" value={text()} set={setText} data placeholder="2026-11-26 14:00" />
        </Show>
        <Show when={kind() === 'offset'}>
          <Field label="Offset" value={text()} set={setText} data placeholder="128000" />
        </Show>
        <Show when={missing().length > 0}>
          <div class="replay-missing">
            <p class="warn">The new generation would be without</p>
            <ul>
              <For each={missing()}>{(each) => <li>{each}</li>}</For>
            </ul>
            <label>
              <input
                type="checkbox"
                checked={isAccepted()}
                onChange={({ currentTarget }) => setAccepted(currentTarget.checked)}
              />
              That may be missing
            </label>
          </div>
        </Show>
        <Failed action={starting} />
        <button
          type="submit"
          class="btn primary"
          disabled={starting.busy() || begin() === null || (missing().length > 0 && !isAccepted())}
        >
          Start the replay
        </button>
      </form>
    </Section>
  )
}
