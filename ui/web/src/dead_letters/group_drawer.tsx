/** One cause: its events one by one, and what is to become of them. */
import { createSignal, For, Show } from 'solid-js'
import type { DeadLetterAnswer, DeadLetterGroupAnswer, DecidedAnswer } from '#ui/server/api/dead_letter_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { createListed } from '../api/listed.ts'
import { mayAs } from '../api/session.ts'
import { count } from '../format/numbers.ts'
import { Confirmed, Failed, ListFoot } from '../settings/parts.tsx'
import { DrawerButtons } from '../shell/drawer_buttons.tsx'
import { Icon } from '../shell/icons.tsx'
import { copy } from '../shell/toast.tsx'
import { Letter, letterTitle } from './letter.tsx'
import type { State } from './page.tsx'

/** The code of records: there is nothing to be treated again. */
const UNREADABLE = 'unreadable'

export function GroupDrawer(props: {
  readonly group: DeadLetterGroupAnswer
  readonly state: State
  readonly close: () => void
  readonly move: (by: number) => void
  readonly decided: (sentence: string) => void
}) {
  const [withRaw, setWithRaw] = createSignal(false)
  const list = createListed<DeadLetterAnswer>(
    () => `/v1/dead_letters/rows?cause=${props.group.cause}&state=${props.state}&raw=${withRaw()}`,
  )
  const [opened, setOpened] = createSignal<string | null>(null)
  // The first is open until another is.
  const isOpen = (id: string) => (opened() ?? list.items()?.[0]?.id) === id
  const deciding = createAction()
  const events = () => `${count(props.group.events)} ${props.group.events === 1 ? 'event' : 'events'}`
  const decide = (decision: 'requeue' | 'discard') =>
    deciding.run(async () => {
      const { cause } = props.group
      const answer = await change<DecidedAnswer>('POST', `/v1/dead_letters/${decision}`, { cause })
      if (answer.events === 0 && answer.refused.length > 0) throw new Error(answer.refused[0].reason)
      const what = `${count(answer.events)} ${answer.events === 1 ? 'event' : 'events'}`
      const rest = answer.refused.map(({ reason, events }) => ` ${count(events)} stay: ${reason}.`).join('')
      props.decided(
        decision === 'requeue'
          ? `${what} on the way again, from ${props.group.stage} on.${rest}`
          : `${what} discarded: they count as dropped.${rest}`,
      )
    })
  const command = () => `npx millrace dlq requeue ${props.group.cause}`

  return (
    <aside class="drawer dead-drawer" aria-label="Cause">
      <header>
        <div class="drawer-line">
          <span class="badge warn">{props.group.code}</span>
          <span class="q2 data">{props.group.stage}</span>
          <span class="grow" />
          <DrawerButtons before="Cause before" next="Next cause" move={props.move} close={props.close} />
        </div>
        <h2>{props.group.detail || 'Without a word'}</h2>
        <p class="q dead-about">
          {events()} read from <span class="data">{props.group.topic}</span>, received{' '}
          <span class="data">{span(props.group.first_seen, props.group.last_seen)}</span>
          <Show when={props.group.versions.length > 0}>, millrace {props.group.versions.join(', ')}</Show>
        </p>
      </header>
      <div class="body" role="region" aria-label="Events" tabindex="0">
        <ul class="dead-letters">
          <For each={list.items() ?? []}>
            {(letter) => (
              <li>
                <button
                  type="button"
                  class="dead-line"
                  aria-expanded={isOpen(letter.id)}
                  onClick={() => setOpened(isOpen(letter.id) ? '' : letter.id)}
                >
                  <Icon name="chevron" />
                  <span class="data q" title={letter.received_at}>
                    {letter.received_at.slice(11, 19)}
                  </span>
                  <span class="dead-title data">{letterTitle(letter)}</span>
                </button>
                <Show when={isOpen(letter.id)}>
                  <Letter letter={letter} withRaw={withRaw()} showRaw={() => setWithRaw(true)} />
                </Show>
              </li>
            )}
          </For>
        </ul>
        <ListFoot list={list} more="Show more events" />
        <Show when={list.items()?.length === 0}>
          <p class="drawer-note">They are not kept any more.</p>
        </Show>
      </div>
      <Show
        when={props.state === 'open' && mayAs('admin')}
        fallback={
          <div class="foot">
            <span class="q">
              {props.state === 'open'
                ? 'Admins of the project may requeue or discard them.'
                : `${events()} ${props.state}`}
            </span>
          </div>
        }
      >
        <div class="foot dead-foot">
          <Show when={props.group.code !== UNREADABLE}>
            <Confirmed
              label="Requeue"
              of={`${events()}: ${props.group.detail}`}
              sentence={`Treat ${events()} again?`}
              busy={deciding.busy()}
              do={() => void decide('requeue')}
            />
          </Show>
          <Confirmed
            label="Discard"
            of={`${events()}: ${props.group.detail}`}
            sentence={`Give up ${events()}?`}
            busy={deciding.busy()}
            do={() => void decide('discard')}
          />
          <button type="button" class="btn sm quiet" onClick={() => void copy('The command', command())}>
            Copy command
          </button>
          <Failed action={deciding} />
        </div>
      </Show>
    </aside>
  )
}

/** `2026-11-22 14:32 to 14:35`, the day once where it is one. */
function span(first: string, last: string): string {
  const [from, to] = [first, last].map((at) => at.slice(0, 16).replace('T', ' '))
  if (from === to) return from
  return `${from} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`
}
