/** Who changed what, when, and what it was before. */
import { createMemo, For, Show } from 'solid-js'
import type { AuditAnswer } from '#ui/server/api/audit_routes.ts'
import { createListed } from '../api/listed.ts'
import { mayAs, session } from '../api/session.ts'
import { param, setParams } from '../shell/router.ts'
import { type Difference, differencesOf } from './difference.ts'
import { ListFoot, Section } from './parts.tsx'

export function AuditTab() {
  const everything = () => mayAs('operator') && param('of') === 'all'
  const entries = createListed<AuditAnswer>(() =>
    everything() ? '/v1/audit' : `/v1/audit?project=${session()!.project}`,
  )
  return (
    <Section title="Audit log" note="Changes to what is administered, newest first. Times are UTC.">
      <Show when={mayAs('operator')}>
        <div class="seg" role="group" aria-label="Of what">
          <button
            type="button"
            classList={{ on: !everything() }}
            aria-pressed={!everything()}
            onClick={() => setParams({ of: null })}
          >
            This project
          </button>
          <button
            type="button"
            classList={{ on: everything() }}
            aria-pressed={everything()}
            onClick={() => setParams({ of: 'all' })}
          >
            The whole instance
          </button>
        </div>
      </Show>
      <table class="set-table audit">
        <thead>
          <tr>
            <th>When</th>
            <th>Who</th>
            <th>What</th>
            <th>Of</th>
            <th>Before → after</th>
          </tr>
        </thead>
        <tbody>
          <For each={entries.items() ?? []}>{(entry) => <Entry entry={entry} />}</For>
        </tbody>
      </table>
      <Show when={entries.items()?.length === 0}>
        <p class="set-note">
          Nothing has been changed yet. Keys made, members added, quotas set: all of it stands here.
        </p>
      </Show>
      <ListFoot list={entries} more="Older" />
    </Section>
  )
}

/** Said already by the columns. */
const SAID = /(^|\.)(id|project_id|created_at|created_by|expires_at|revoked_at)$/

/** Not that what is made has no value somewhere. */
function isTold({ name, before, after }: Difference): boolean {
  const isNothing = (text: string | undefined) =>
    text === undefined || text === '' || text === 'null' || text === 'none'
  return !SAID.test(name) && !(isNothing(before) && isNothing(after))
}

/** Of what was changed, for people. */
function nameOf(value: unknown): string | undefined {
  const { name, email } = (value ?? {}) as { name?: string; email?: string }
  return email || name || undefined
}

function Entry(props: { readonly entry: AuditAnswer }) {
  const changes = createMemo(() => differencesOf(props.entry.before, props.entry.after).filter(isTold))
  const name = () => nameOf(props.entry.after) ?? nameOf(props.entry.before)
  return (
    <tr>
      <td class="data q2">
        <time datetime={props.entry.at} title={props.entry.at}>
          {props.entry.at.slice(0, 19).replace('T', ' ')}
        </time>
      </td>
      <td>
        {props.entry.actor_name} <span class="q">{props.entry.actor_kind}</span>
      </td>
      <td class="data">{props.entry.action}</td>
      <td class="cut audit-subject" classList={{ 'data q2': name() === undefined }} title={props.entry.subject}>
        {name() ?? props.entry.subject}
      </td>
      <td class="data audit-changes">
        <For each={changes()}>{(change) => <Changed change={change} />}</For>
      </td>
    </tr>
  )
}

function Changed(props: { readonly change: Difference }) {
  return (
    <span class="changed">
      <span class="q">{props.change.name}</span>{' '}
      <Show when={props.change.before !== undefined}>
        <del>{props.change.before}</del>
      </Show>
      <Show when={props.change.before !== undefined && props.change.after !== undefined}> → </Show>
      <Show when={props.change.after !== undefined}>
        <ins>{props.change.after}</ins>
      </Show>
    </span>
  )
}
