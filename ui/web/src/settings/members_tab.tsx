/** Who may what in the project, and who is invited. */
import { createResource, createSignal, For, Show } from 'solid-js'
import type { InvitationAnswer } from '#ui/server/api/invitation_routes.ts'
import type { MemberAnswer } from '#ui/server/api/member_routes.ts'
import type { TeamAnswer } from '#ui/server/api/team_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { createListed, type Listed, readAll } from '../api/listed.ts'
import { mayAs, session } from '../api/session.ts'
import { say } from '../shell/toast.tsx'
import { Confirmed, Failed, Field, ListFoot, Once, RoleChoice, Section, When } from './parts.tsx'

type Role = MemberAnswer['role']

export function MembersTab() {
  const members = createListed<MemberAnswer>(() => '/v1/members')
  return (
    <>
      <Show when={mayAs('admin')}>
        <Invitations />
      </Show>
      <Members members={members} />
      <Show when={mayAs('operator')}>
        <AddTeam added={() => void members.again()} />
      </Show>
    </>
  )
}

function Members(props: { readonly members: Listed<MemberAnswer> }) {
  const changing = createAction()
  const set = async ({ kind, id, name }: MemberAnswer, role: Role, before: Role | null) => {
    const done = await changing.run(() => change('PUT', `/v1/members/${kind}/${id}`, { role }))
    await props.members.again()
    if (!done) return
    const undo = before === null ? undefined : () => void set({ kind, id, name, role: before }, before, null)
    say(`${name} is ${role} now.`, undo)
  }
  const remove = async (member: MemberAnswer) => {
    const { kind, id, name, role } = member
    if (!(await changing.run(() => change('DELETE', `/v1/members/${kind}/${id}`)))) return
    await props.members.again()
    say(`${name} is out of the project.`, () => void set(member, role, null))
  }
  return (
    <Section
      title="Members"
      note="Viewers see telemetry, editors also keep notes about it, admins administer the project."
    >
      <table class="set-table">
        <thead>
          <tr>
            <th>Who</th>
            <th>Kind</th>
            <th>Role</th>
            <Show when={mayAs('admin')}>
              <th>
                <span class="visually-hidden">Remove</span>
              </th>
            </Show>
          </tr>
        </thead>
        <tbody>
          <For each={props.members.items() ?? []}>
            {(member) => (
              <tr>
                <td>
                  {member.name} <Show when={member.name === session()?.name}>{<span class="badge">you</span>}</Show>
                </td>
                <td class="q2">{member.kind}</td>
                <td>
                  <Show when={mayAs('admin')} fallback={member.role}>
                    <RoleChoice
                      bare
                      label={`Role of ${member.name}`}
                      value={member.role}
                      disabled={changing.busy()}
                      set={(role) => void set(member, role, member.role)}
                    />
                  </Show>
                </td>
                <Show when={mayAs('admin')}>
                  <td class="num">
                    <button
                      type="button"
                      class="btn sm quiet"
                      aria-label={`Remove ${member.name}`}
                      disabled={changing.busy()}
                      onClick={() => void remove(member)}
                    >
                      Remove
                    </button>
                  </td>
                </Show>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <Show when={props.members.items()?.length === 0}>
        <p class="set-note">
          Nobody yet: only keys, and admins of the instance, see this project.{' '}
          {mayAs('admin') ? 'Invite somebody above.' : ''}
        </p>
      </Show>
      <Failed action={changing} />
      <ListFoot list={props.members} />
    </Section>
  )
}

function Invitations() {
  const invitations = createListed<InvitationAnswer>(() => '/v1/invitations')
  const [email, setEmail] = createSignal('')
  const [role, setRole] = createSignal<Role>('viewer')
  const [made, setMade] = createSignal<InvitationAnswer & { readonly token: string }>()
  const inviting = createAction()
  const revoking = createAction()

  async function invite(event: Event): Promise<void> {
    event.preventDefault()
    const body = { email: email().trim(), role: role() }
    await inviting.run(async () => {
      setMade(await change<InvitationAnswer & { token: string }>('POST', '/v1/invitations', body))
      setEmail('')
      await invitations.again()
    })
  }
  const revoke = async ({ id, email }: InvitationAnswer) => {
    if (!(await revoking.run(() => change('DELETE', `/v1/invitations/${id}`)))) return
    say(`The invitation of ${email} works no more.`)
    await invitations.again()
  }
  return (
    <Section title="Invite somebody">
      <form class="set-form line" onSubmit={invite}>
        <Field label="E-mail" type="email" value={email()} set={setEmail} required placeholder="ann@example.com" />
        <RoleChoice label="Role" value={role()} set={setRole} />
        <button type="submit" class="btn primary" disabled={inviting.busy() || email().trim() === ''}>
          Make a link
        </button>
      </form>
      <Failed action={inviting} />
      <Show when={made()} keyed>
        {(invitation) => (
          <Once
            title={`Invitation of ${invitation.email}`}
            what="The link"
            secret={`${location.origin}/invite#${invitation.token}`}
            close={() => setMade(undefined)}
          >
            <p class="set-note">
              Send it to {invitation.email} yourself: millrace sends no mail. Whoever opens it within a week sets a
              password and is {invitation.role} here.
            </p>
          </Once>
        )}
      </Show>
      <Show when={(invitations.items()?.length ?? 0) > 0}>
        <table class="set-table">
          <caption>Open invitations</caption>
          <thead>
            <tr>
              <th>Who</th>
              <th>Role</th>
              <th>By</th>
              <th>Until, UTC</th>
              <th>
                <span class="visually-hidden">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={invitations.items()}>
              {(invitation) => (
                <tr>
                  <td>{invitation.email}</td>
                  <td>{invitation.role}</td>
                  <td class="q2">{invitation.created_by}</td>
                  <td class="q2">
                    <When at={invitation.expires_at} />
                  </td>
                  <td class="num">
                    <Confirmed
                      label="Revoke"
                      of={`the invitation of ${invitation.email}`}
                      sentence="Its link works no more."
                      busy={revoking.busy()}
                      do={() => void revoke(invitation)}
                    />
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </Show>
      <Failed action={revoking} />
      <ListFoot list={invitations} />
    </Section>
  )
}

/** A whole team gets a role; which teams there are only admins of the instance know. */
function AddTeam(props: { readonly added: () => void }) {
  const [teams] = createResource(() => readAll<TeamAnswer>('/v1/teams').catch(() => []))
  const [team, setTeam] = createSignal('')
  const [role, setRole] = createSignal<Role>('viewer')
  const adding = createAction()
  async function add(event: Event): Promise<void> {
    event.preventDefault()
    if (await adding.run(() => change('PUT', `/v1/members/team/${team()}`, { role: role() }))) props.added()
  }
  return (
    <Show when={(teams.latest?.length ?? 0) > 0}>
      <Section title="Give a team a role">
        <form class="set-form line" onSubmit={add}>
          <div class="set-field">
            <label for="team-to-add">Team</label>
            <select
              id="team-to-add"
              class="field"
              value={team()}
              onChange={({ currentTarget }) => setTeam(currentTarget.value)}
            >
              <option value="">choose one</option>
              <For each={teams.latest}>{({ id, name }) => <option value={id}>{name}</option>}</For>
            </select>
          </div>
          <RoleChoice label="Its role" value={role()} set={setRole} />
          <button type="submit" class="btn" disabled={adding.busy() || team() === ''}>
            Give it
          </button>
        </form>
        <Failed action={adding} />
      </Section>
    </Show>
  )
}
