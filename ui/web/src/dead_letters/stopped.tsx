/** A stage that fails at nearly everything stops: why, and letting it go on all the same. */
import { createSignal, For, Show } from 'solid-js'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { mayAs } from '../api/session.ts'
import { topology } from '../api/topology.ts'

/** Those whose reason says how: it is the rule's, not another fault. */
const ACCEPTABLE = /millrace dlq accept (\w+)/

export function Stopped() {
  const stopped = () =>
    (topology()?.parts ?? []).flatMap(({ name, partitions }) => {
      const reason = partitions.find(
        ({ condition, reason }) => condition === 'stopped' && ACCEPTABLE.test(reason ?? ''),
      )
      return reason === undefined ? [] : [name]
    })
  const reasonOf = (name: string) =>
    topology()
      ?.parts.find((part) => part.name === name)
      ?.partitions.find(({ reason }) => ACCEPTABLE.test(reason ?? ''))
      ?.reason?.replace(`${name} `, '')
      .replace(/, or let it go on.*/, '.') ?? ''
  const [accepted, setAccepted] = createSignal<readonly string[]>([])
  const accepting = createAction()
  const accept = (stage: string) =>
    accepting.run(async () => {
      await change('POST', '/v1/dead_letters/accept', { stage })
      setAccepted((before) => [...before, stage])
    })
  return (
    <For each={[...new Set(stopped())]}>
      {(name) => (
        <div class="dead-stopped" role="alert">
          <b class="err data">{name}</b>
          <span>{reasonOf(name)}</span>
          <Show when={mayAs('operator')}>
            <Show when={!accepted().includes(name)} fallback={<span class="q">It goes on in a moment.</span>}>
              <button type="button" class="btn sm" disabled={accepting.busy()} onClick={() => void accept(name)}>
                Let it go on for a day
              </button>
            </Show>
          </Show>
          <Show when={accepting.problem()}>
            <span class="err">{accepting.problem()}</span>
          </Show>
        </div>
      )}
    </For>
  )
}
