/** What the tabs are made of. */
import { createSignal, createUniqueId, type JSX, onMount, Show } from 'solid-js'
import type { Action } from '../api/action.ts'
import type { Listed } from '../api/listed.ts'
import { Icon } from '../shell/icons.tsx'
import { copy } from '../shell/toast.tsx'

export function Section(props: {
  readonly title: string
  readonly note?: JSX.Element
  readonly children: JSX.Element
}) {
  const id = createUniqueId()
  return (
    <section class="set-section" aria-labelledby={id}>
      <h2 id={id}>{props.title}</h2>
      <Show when={props.note}>
        <p class="set-note">{props.note}</p>
      </Show>
      {props.children}
    </section>
  )
}

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly set: (value: string) => void
  readonly note?: JSX.Element
  readonly type?: 'text' | 'email' | 'password'
  readonly placeholder?: string
  readonly required?: boolean
  readonly data?: boolean
  readonly minlength?: number
  readonly autocomplete?: string
  /** How wide, in the form's own steps. */
  readonly size?: 'short' | 'long'
}

export function Field(props: FieldProps) {
  const id = createUniqueId()
  return (
    <div class="set-field" classList={{ short: props.size === 'short', long: props.size === 'long' }}>
      <label for={id}>{props.label}</label>
      <input
        id={id}
        class="field"
        classList={{ data: props.data === true }}
        type={props.type ?? 'text'}
        value={props.value}
        placeholder={props.placeholder}
        required={props.required}
        minlength={props.minlength}
        autocomplete={props.autocomplete ?? 'off'}
        spellcheck={false}
        aria-describedby={props.note === undefined ? undefined : `${id}-note`}
        onInput={({ currentTarget }) => props.set(currentTarget.value)}
      />
      <Show when={props.note}>
        <small id={`${id}-note`}>{props.note}</small>
      </Show>
    </div>
  )
}

export function RoleChoice(props: {
  readonly label: string
  readonly value: string
  readonly set: (role: 'viewer' | 'editor' | 'admin') => void
  /** Without its label in sight: in a table, whose head says it. */
  readonly bare?: boolean
  readonly disabled?: boolean
}) {
  const id = createUniqueId()
  return (
    <div class="set-field" classList={{ bare: props.bare === true }}>
      <label for={id} classList={{ 'visually-hidden': props.bare === true }}>
        {props.label}
      </label>
      <select
        id={id}
        class="field"
        value={props.value}
        disabled={props.disabled}
        onChange={({ currentTarget }) => props.set(currentTarget.value as 'viewer')}
      >
        <option value="viewer">viewer</option>
        <option value="editor">editor</option>
        <option value="admin">admin</option>
      </select>
    </div>
  )
}

/** What went wrong, below what caused it. */
export function Failed(props: { readonly action: Pick<Action, 'problem'> }) {
  return (
    <p class="set-failed err" role="alert" hidden={props.action.problem() === null}>
      {props.action.problem()}
    </p>
  )
}

/** Something that is shown this once: to copy, and to put away. */
export function Once(props: {
  readonly title: string
  readonly what: string
  readonly secret: string
  readonly children?: JSX.Element
  readonly close: () => void
}) {
  let box!: HTMLElement
  onMount(() => box.focus())
  return (
    <section class="once" ref={box} tabindex={-1} aria-label={props.title}>
      <h3>{props.title}</h3>
      <p class="set-note">It is shown this once: copy it now.</p>
      <div class="once-secret">
        <code>{props.secret}</code>
        <button type="button" class="btn primary" onClick={() => void copy(props.what, props.secret)}>
          <Icon name="copy" /> Copy
        </button>
      </div>
      {props.children}
      <button type="button" class="btn sm" onClick={props.close}>
        I have it
      </button>
    </section>
  )
}

/** Lines ready to be pasted. */
export function Lines(props: { readonly title: string; readonly text: string }) {
  return (
    <div class="sender">
      <h4>{props.title}</h4>
      <pre role="region" tabindex={0} aria-label={props.title}>
        {props.text}
      </pre>
      <button type="button" class="btn sm" onClick={() => void copy('The example', props.text)}>
        <Icon name="copy" /> Copy
      </button>
    </div>
  )
}

/** A step that cannot be undone asks once more, in its place. */
export function Confirmed(props: {
  readonly label: string
  /** For who does not see the line it stands in. */
  readonly of: string
  readonly sentence: string
  readonly keep?: string
  readonly busy: boolean
  readonly do: () => void
}) {
  const [asked, setAsked] = createSignal(false)
  let first: HTMLButtonElement | undefined
  let no: HTMLButtonElement | undefined
  const ask = (on: boolean) => {
    setAsked(on)
    queueMicrotask(() => (on ? no : first)?.focus())
  }
  return (
    <Show
      when={asked()}
      fallback={
        <button
          type="button"
          class="btn sm quiet"
          ref={first}
          aria-label={`${props.label} ${props.of}`}
          onClick={() => ask(true)}
        >
          {props.label}
        </button>
      }
    >
      <span class="confirm" onKeyDown={({ key }) => key === 'Escape' && ask(false)}>
        <span class="warn">{props.sentence}</span>
        <button type="button" class="btn sm" disabled={props.busy} onClick={props.do}>
          {props.label}
        </button>
        <button type="button" class="btn sm quiet" ref={no} onClick={() => ask(false)}>
          {props.keep ?? 'Keep'}
        </button>
      </span>
    </Show>
  )
}

/** What stands under a list: why it could not be read, and the rest of it. */
export function ListFoot(props: { readonly list: Listed<unknown>; readonly more?: string }) {
  return (
    <>
      <Show when={props.list.problem()}>
        {(text) => (
          <div class="problem" role="alert">
            {text()}{' '}
            <button type="button" class="link" onClick={() => void props.list.again()}>
              Try again
            </button>
          </div>
        )}
      </Show>
      <Show when={props.list.hasMore()}>
        <button type="button" class="btn sm set-more" onClick={() => void props.list.more()}>
          {props.more ?? 'Show more'}
        </button>
      </Show>
    </>
  )
}

/** `2026-11-22 14:32`, with the seconds on hover. */
export function When(props: { readonly at: string }) {
  return (
    <time class="data" datetime={props.at} title={props.at}>
      {props.at.slice(0, 16).replace('T', ' ')}
    </time>
  )
}
