/** Services: who sends, with what, how much, and who answers for it. */
import { createMemo, createSignal, For, onMount, Show } from 'solid-js'
import type { ServiceAnswer } from '#ui/server/api/projection_routes.ts'
import { readAll } from '../api/listed.ts'
import { createPolled } from '../api/polled.ts'
import { mayAs } from '../api/session.ts'
import { count } from '../format/numbers.ts'
import { useKeys } from '../shell/keyboard.ts'
import { navigate, param, setParams } from '../shell/router.ts'
import { linkOf } from './links.ts'
import { keyOf, ORDERS, type Order, shownServices } from './order.ts'
import { ServiceLine } from './service_line.tsx'
import '../style/services.css'

const INTERVAL_MS = 5_000

export default function ServicesPage() {
  onMount(() => {
    document.title = 'Services · millrace'
  })
  const [editing, setEditing] = createSignal<string | null>(null)
  const { answer, problem, again } = createPolled(
    () => 'services',
    (_, signal) => readAll<ServiceAnswer>('/v1/services', signal),
    { intervalMs: INTERVAL_MS, restTimes: 20, goesOn: () => true },
  )
  const like = () => param('like') ?? ''
  const order = (): Order => ORDERS.find(({ by }) => by === param('order'))?.by ?? 'seen'
  const shown = createMemo(() => shownServices(answer() ?? [], like(), order()))
  /** Lines stay while what they say changes: what is being typed in one is not lost. */
  const keys = createMemo<readonly string[]>((before) => {
    const now = shown().map(keyOf)
    return before.join('\n') === now.join('\n') ? before : now
  }, [])
  const byKey = createMemo(() => new Map(shown().map((service) => [keyOf(service), service])))
  const selected = () => (byKey().has(param('service') ?? '') ? param('service') : null)
  const select = (key: string | null) => setParams({ service: key }, false)
  const move = (by: number) => {
    const at = keys().indexOf(selected() ?? '')
    const next = keys()[Math.max(0, Math.min(keys().length - 1, at < 0 ? 0 : at + by))]
    if (next === undefined) return false
    select(next)
    document.getElementById(`service-${next}`)?.scrollIntoView({ block: 'nearest' })
  }
  const edit = () => {
    if (selected() === null || !mayAs('editor')) return false
    setEditing(selected())
  }
  const open = () => {
    const service = byKey().get(selected() ?? '')
    if (service === undefined) return false
    navigate(linkOf(service, 'all'))
  }
  let input!: HTMLInputElement
  useKeys([
    { keys: 'j', does: 'next service', run: () => move(1) },
    { keys: 'k', does: 'service before', run: () => move(-1) },
    { keys: 'ArrowDown', does: '', hidden: true, run: () => move(1) },
    { keys: 'ArrowUp', does: '', hidden: true, run: () => move(-1) },
    { keys: 'Enter', does: 'open its rows', run: open },
    ...(mayAs('editor') ? [{ keys: 'e', does: 'edit owner and description', run: edit }] : []),
    { keys: '/', does: 'find by name or owner', run: () => input.focus() },
    { keys: 'Escape', does: 'close', run: () => (selected() === null ? false : select(null)) },
  ])

  return (
    <>
      <div class="bar">
        <h1>Services</h1>
        <Show when={answer()}>
          {(all) => (
            <span class="q">
              {like() === '' ? '' : `${count(shown().length)} of `}
              {count(all().length)} {all().length === 1 ? 'service' : 'services'} seen
            </span>
          )}
        </Show>
        <span class="grow" />
        <input
          class="field find"
          ref={input}
          aria-label="Find by name or owner"
          placeholder="Find by name or owner  /"
          spellcheck={false}
          value={like()}
          onInput={({ currentTarget }) => setParams({ like: currentTarget.value || null }, false)}
          onKeyDown={({ key }) => (key === 'Escape' || key === 'Enter') && input.blur()}
        />
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
        <Show when={keys().length > 0} fallback={<None like={like()} />}>
          <section class="services" tabindex={0} aria-label="Services seen">
            <table>
              <thead>
                <tr>
                  <For each={ORDERS}>
                    {({ by, name, numeric }) => (
                      <th classList={{ num: numeric }} aria-sort={order() === by ? direction(numeric) : undefined}>
                        <button type="button" onClick={() => setParams({ order: by === 'seen' ? null : by })}>
                          {name}
                          <span aria-hidden="true">{order() === by ? (numeric ? ' ↓' : ' ↑') : ''}</span>
                        </button>
                      </th>
                    )}
                  </For>
                  <th class="about">What it is for</th>
                </tr>
              </thead>
              <tbody>
                <For each={keys()}>
                  {(key) => (
                    <Show when={byKey().get(key)}>
                      {(service) => (
                        <ServiceLine
                          service={service()}
                          selected={selected() === key}
                          editing={editing() === key}
                          select={() => select(key)}
                          edit={(on) => setEditing(on ? key : null)}
                          changed={again}
                        />
                      )}
                    </Show>
                  )}
                </For>
              </tbody>
            </table>
          </section>
        </Show>
      </Show>
    </>
  )
}

const direction = (numeric: boolean) => (numeric ? 'descending' : 'ascending')

function None(props: { readonly like: string }) {
  return (
    <div class="empty">
      <Show
        when={props.like !== ''}
        fallback={
          <>
            <h2>No service has sent anything yet.</h2>
            <p>
              A service is what sets <code>service.name</code> in its resource; it stands here seconds after its first
              log, span or metric.
            </p>
            <p>
              <code>export OTEL_SERVICE_NAME=checkout</code>
            </p>
            <a class="btn" href="/events">
              How to send
            </a>
          </>
        }
      >
        <h2>No service has “{props.like}” in its name or owner.</h2>
        <button type="button" class="btn" onClick={() => setParams({ like: null })}>
          Show all
        </button>
      </Show>
    </div>
  )
}
