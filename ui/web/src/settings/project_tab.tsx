/** The project: its name, how long it keeps events, how much it takes a day and how much of that is used. */
import { createResource, createSignal, For, Show } from 'solid-js'
import type { ProjectAnswer } from '#ui/server/api/project_routes.ts'
import { readUsage } from '../api/account.ts'
import { createAction } from '../api/action.ts'
import { change, read } from '../api/call.ts'
import { createPolled } from '../api/polled.ts'
import { mayAs, readSession, session, switchProject } from '../api/session.ts'
import { bytes, count } from '../format/numbers.ts'
import { say } from '../shell/toast.tsx'
import { Failed, Field, Section } from './parts.tsx'
import { bytesTyped, sizeText, wholeTyped } from './quantities.ts'

const DEFAULT_PROJECT = 'default'
const USAGE_INTERVAL_MS = 5_000
const DAY_MS = 86_400_000
/** A quota that is nearly used is amber. */
const NEARLY = 0.8

export function ProjectTab() {
  const [project, { refetch }] = createResource(() => read<ProjectAnswer>(`/v1/projects/${session()!.project}`))
  return (
    <>
      <Show when={project.error}>
        <div class="problem" role="alert">
          {(project.error as Error).message}{' '}
          <button type="button" class="link" onClick={() => void refetch()}>
            Try again
          </button>
        </div>
      </Show>
      <Show when={project.error === undefined ? project() : undefined} keyed>
        {(found) => (
          <>
            <Today project={found} />
            <Show when={mayAs('admin')} fallback={<Facts project={found} />}>
              <Change project={found} changed={() => void refetch()} />
            </Show>
            <Show when={mayAs('operator') && found.name !== DEFAULT_PROJECT}>
              <Delete project={found} />
            </Show>
          </>
        )}
      </Show>
    </>
  )
}

function Today(props: { readonly project: ProjectAnswer }) {
  const { answer, problem } = createPolled(
    () => props.project.id,
    async (_, signal) => {
      const rows = await readUsage(Math.floor(Date.now() / DAY_MS) * DAY_MS, signal)
      const sum = (of: 'events' | 'bytes') => rows.reduce((total, row) => total + row[of], 0)
      return { events: sum('events'), bytes: sum('bytes') }
    },
    { intervalMs: USAGE_INTERVAL_MS, restTimes: 10, goesOn: () => true },
  )
  return (
    <Section title="Today, since 00:00 UTC">
      <Show when={problem()}>{(text) => <p class="set-failed err">{text()}</p>}</Show>
      <Show when={answer()}>
        {(used) => (
          <div class="quotas">
            <Quota
              name="Events"
              used={used().events}
              shown={count(used().events)}
              limit={props.project.events_per_day}
              limitShown={count(props.project.events_per_day ?? 0)}
            />
            <Quota
              name="Bytes"
              used={used().bytes}
              shown={bytes(used().bytes)}
              limit={props.project.bytes_per_day}
              limitShown={sizeText(props.project.bytes_per_day ?? 0)}
            />
          </div>
        )}
      </Show>
    </Section>
  )
}

function Quota(props: {
  readonly name: string
  readonly used: number
  readonly shown: string
  readonly limit: number | null
  readonly limitShown: string
}) {
  const share = () => (props.limit === null ? 0 : props.limit === 0 ? 1 : props.used / props.limit)
  const reached = () => props.limit !== null && props.used >= props.limit
  const nearly = () => props.limit !== null && share() >= NEARLY
  return (
    <div class="quota">
      <span class="q">{props.name}</span>
      <span>
        <a href="/ledger" class="big">
          {props.shown}
        </a>{' '}
        <span class="q2">{props.limit === null ? 'taken, no limit' : `of ${props.limitShown}`}</span>
      </span>
      <Show when={props.limit !== null}>
        <div
          class="quota-bar"
          classList={{ warn: nearly(), full: reached() }}
          role="meter"
          aria-label={`${props.name} of today's quota`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.min(100, Math.round(share() * 100))}
        >
          <i style={{ width: `${Math.min(100, share() * 100)}%` }} />
        </div>
      </Show>
      <Show when={reached()}>
        <span class="err">Quota reached: what else arrives today is refused, until 00:00 UTC.</span>
      </Show>
      <Show when={nearly() && !reached()}>
        <span class="warn">{Math.floor(share() * 100)}% of today's quota is used.</span>
      </Show>
    </div>
  )
}

/** What a viewer sees of it. */
function Facts(props: { readonly project: ProjectAnswer }) {
  const facts = () =>
    [
      ['Kept', props.project.retention_days === null ? 'for ever' : `${count(props.project.retention_days)} days`],
      ['Id', props.project.id],
    ] as const
  return (
    <Section title="Project">
      <dl class="kv">
        <For each={facts()}>
          {([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          )}
        </For>
      </dl>
    </Section>
  )
}

function Change(props: { readonly project: ProjectAnswer; readonly changed: () => void }) {
  const { name: before, retention_days, events_per_day, bytes_per_day } = props.project
  const [name, setName] = createSignal(before)
  const [days, setDays] = createSignal(retention_days === null ? '' : String(retention_days))
  const [events, setEvents] = createSignal(events_per_day === null ? '' : count(events_per_day))
  const [size, setSize] = createSignal(bytes_per_day === null ? '' : sizeText(bytes_per_day))
  const changing = createAction()
  const isSame = () =>
    name() === before &&
    wholeTyped(days()) === retention_days &&
    wholeTyped(events()) === events_per_day &&
    bytesTyped(size()) === bytes_per_day
  const wrong = () =>
    [wholeTyped(days()), wholeTyped(events()), bytesTyped(size())].includes(undefined)
      ? 'Days and events are whole numbers, bytes a size like 20 GB; empty is without limit.'
      : null

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const done = await changing.run(() =>
      change('PATCH', `/v1/projects/${props.project.id}`, {
        name: name().trim(),
        retention_days: wholeTyped(days()),
        events_per_day: wholeTyped(events()),
        bytes_per_day: bytesTyped(size()),
      }),
    )
    if (!done) return
    // The name is in the session, too.
    await readSession().catch(() => {})
    say('The project is changed.')
    props.changed()
  }
  return (
    <Section title="Project">
      <form class="set-form" onSubmit={submit}>
        <Show when={before !== DEFAULT_PROJECT}>
          <Field
            label="Name"
            value={name()}
            set={setName}
            data
            required
            note="a-z, 0-9, _ and -. Data stays where it is: it is stored under the project's id."
          />
        </Show>
        <div class="set-row">
          <Field
            label="Days events are kept"
            value={days()}
            set={setDays}
            placeholder="for ever"
            size="short"
            note="Older days are deleted from the lake."
          />
          <Field
            label="Events a day"
            value={events()}
            set={setEvents}
            placeholder="no limit"
            size="short"
            note="What is over it is refused, and the sender is told when to try again."
          />
          <Field
            label="Bytes a day"
            value={size()}
            set={setSize}
            placeholder="no limit"
            size="short"
            note="Uncompressed, like 20 GB."
          />
        </div>
        <p class="set-failed err" role="alert" hidden={wrong() === null}>
          {wrong()}
        </p>
        <Failed action={changing} />
        <button type="submit" class="btn primary" disabled={changing.busy() || isSame() || wrong() !== null}>
          Save
        </button>
      </form>
    </Section>
  )
}

/** The only step that asks for the name. */
function Delete(props: { readonly project: ProjectAnswer }) {
  const [typed, setTyped] = createSignal('')
  const deleting = createAction()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const done = await deleting.run(() => change('DELETE', `/v1/projects/${props.project.id}`))
    if (done) await switchProject(DEFAULT_PROJECT).catch(() => location.assign('/'))
  }
  return (
    <Section
      title="Delete the project"
      note="Its keys and members end at once. What is stored stays in the lake's folder of its id, for whoever has the disk."
    >
      <form class="set-form line" onSubmit={submit}>
        <Field
          label={`Type ${props.project.name} to delete it`}
          value={typed()}
          set={setTyped}
          data
          placeholder={props.project.name}
        />
        <button type="submit" class="btn danger" disabled={deleting.busy() || typed() !== props.project.name}>
          Delete {props.project.name}
        </button>
      </form>
      <Failed action={deleting} />
    </Section>
  )
}
