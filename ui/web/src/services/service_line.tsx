/** A service: what it says of itself, how much it sends, and what people say of it, editable in place. */
import { createSignal, onMount, Show } from 'solid-js'
import type { ServiceAnswer } from '#ui/server/api/projection_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { mayAs } from '../api/session.ts'
import { serviceClass } from '../events/services.ts'
import { count, slowRate } from '../format/numbers.ts'
import { ago } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { type Door, linkOf } from './links.ts'
import { keyOf } from './order.ts'

interface Line {
  readonly service: ServiceAnswer
  readonly selected: boolean
  readonly editing: boolean
  readonly select: () => void
  readonly edit: (on: boolean) => void
  readonly changed: () => void
}

export function ServiceLine(props: Line) {
  const sdk = () => [props.service.sdk_language, props.service.sdk_version].filter(Boolean).join(' ')
  const door = (number: Door, text: string, isZero: boolean, bad = false) => (
    <td class="num" classList={{ q: isZero, err: bad && !isZero }}>
      <Show when={!isZero} fallback={text}>
        <a class="link" href={linkOf(props.service, number)}>
          {text}
        </a>
      </Show>
    </td>
  )
  return (
    <tr
      id={`service-${keyOf(props.service)}`}
      classList={{ sel: props.selected }}
      aria-selected={props.selected}
      onClick={() => props.select()}
    >
      <td>
        <a class={`svc ${serviceClass(props.service.name)}`} href={linkOf(props.service, 'all')}>
          <b>{props.service.name}</b>
          <span class="q">{props.service.namespace}</span>
        </a>
      </td>
      <td class="data">{props.service.version ?? '–'}</td>
      <td class="q2" title={props.service.sdk_name ?? undefined}>
        {sdk() || '–'}
      </td>
      <td class="num q2" title={props.service.last_seen}>
        {ago(Date.parse(props.service.last_seen), now()).replace(/\.\d s/, ' s')}
      </td>
      {door('recent', slowRate(props.service.events_per_second), props.service.events_per_second === 0)}
      {door('recent errors', slowRate(props.service.errors_per_second), props.service.errors_per_second === 0, true)}
      {door('logs', count(props.service.logs), props.service.logs === 0)}
      {door('spans', count(props.service.spans), props.service.spans === 0)}
      {door('metrics', count(props.service.metrics), props.service.metrics === 0)}
      {door('errors', count(props.service.errors), props.service.errors === 0, true)}
      <Show when={props.editing} fallback={<Notes {...props} />}>
        <EditNotes {...props} />
      </Show>
    </tr>
  )
}

function Notes(props: Line) {
  const text = (value: string | null, empty: string, label: string) => (
    <Show when={mayAs('editor')} fallback={value ?? ''}>
      <button
        type="button"
        class="note-text cut"
        classList={{ q: value === null }}
        title={value ?? undefined}
        onClick={() => {
          props.select()
          props.edit(true)
        }}
      >
        <span class="visually-hidden">
          {label} of {props.service.name}:{' '}
        </span>
        {value ?? empty}
      </button>
    </Show>
  )
  return (
    <>
      <td class="owner">{text(props.service.owner, 'add', 'Owner')}</td>
      <td class="about">{text(props.service.description, 'add', 'Description')}</td>
    </>
  )
}

function EditNotes(props: Line) {
  const [owner, setOwner] = createSignal(props.service.owner ?? '')
  const [description, setDescription] = createSignal(props.service.description ?? '')
  const saving = createAction()
  let first!: HTMLInputElement
  onMount(() => first.focus())
  const orNull = (text: string) => (text.trim() === '' ? null : text.trim())
  async function save(): Promise<void> {
    const { namespace, name } = props.service
    const notes = { owner: orNull(owner()), description: orNull(description()) }
    if (!(await saving.run(() => change('PUT', '/v1/services/notes', { namespace, name, ...notes })))) return
    props.changed()
    props.edit(false)
  }
  function key(event: KeyboardEvent): void {
    if (event.key === 'Escape') props.edit(false)
    else if (event.key === 'Enter') void save()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <>
      <td class="owner">
        <input
          class="field"
          ref={first}
          aria-label={`Owner of ${props.service.name}`}
          placeholder="who answers for it"
          maxlength={200}
          value={owner()}
          onInput={({ currentTarget }) => setOwner(currentTarget.value)}
          onKeyDown={key}
        />
      </td>
      <td class="about">
        <span class="note-edit">
          <input
            class="field"
            aria-label={`Description of ${props.service.name}`}
            placeholder="what it is for"
            maxlength={2000}
            value={description()}
            onInput={({ currentTarget }) => setDescription(currentTarget.value)}
            onKeyDown={key}
          />
          <button type="button" class="btn sm primary" disabled={saving.busy()} onClick={() => void save()}>
            Save <kbd class="kbd">↵</kbd>
          </button>
          <button type="button" class="btn sm quiet" onClick={() => props.edit(false)}>
            Cancel
          </button>
        </span>
        <Show when={saving.problem()}>
          {(text) => (
            <span class="err note-problem" role="alert">
              {text()}
            </span>
          )}
        </Show>
      </td>
    </>
  )
}
