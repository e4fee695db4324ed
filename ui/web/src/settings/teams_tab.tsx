/** Teams: users who have roles together. For admins of the instance. */
import { createResource, createSignal, For, Show } from 'solid-js'
import type { TeamAnswer } from '#ui/server/api/team_routes.ts'
import type { UserAnswer } from '#ui/server/api/user_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { createListed, readAll } from '../api/listed.ts'
import { say } from '../shell/toast.tsx'
import { Failed, Field, ListFoot, Section } from './parts.tsx'

export function TeamsTab() {
  const teams = createListed<TeamAnswer>(() => '/v1/teams')
  const [users] = createResource(() => readAll<UserAnswer>('/v1/users').catch(() => []))
  const [name, setName] = createSignal('')
  const making = createAction()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    await making.run(async () => {
      await change('POST', '/v1/teams', { name: name().trim() })
      setName('')
      await teams.again()
    })
  }
  return (
    <>
      <Section title="New team" note="A team gets its role in a project under Members.">
        <form class="set-form line" onSubmit={submit}>
          <Field label="Name" value={name()} set={setName} required placeholder="payments" />
          <button type="submit" class="btn primary" disabled={making.busy() || name().trim() === ''}>
            Make the team
          </button>
        </form>
        <Failed action={making} />
      </Section>
      <For each={teams.items() ?? []}>
        {(team) => <Team team={team} users={users.latest ?? []} changed={() => void teams.again()} />}
      </For>
      <Show when={teams.items()?.length === 0}>
        <p class="set-note">No teams yet. With one, who joins or leaves changes what they may in all its projects.</p>
      </Show>
      <ListFoot list={teams} />
    </>
  )
}

function Team(props: {
  readonly team: TeamAnswer
  readonly users: readonly UserAnswer[]
  readonly changed: () => void
}) {
  const acting = createAction()
  const [typed, setTyped] = createSignal('')
  const [deleting, setDeleting] = createSignal(false)
  const set = async (method: 'PUT' | 'DELETE', { id, email }: Pick<UserAnswer, 'id' | 'email'>) => {
    if (!(await acting.run(() => change(method, `/v1/teams/${props.team.id}/users/${id}`)))) return
    const back = method === 'PUT' ? 'DELETE' : 'PUT'
    say(`${email} is ${method === 'PUT' ? 'in' : 'out of'} ${props.team.name}.`, () => void set(back, { id, email }))
    props.changed()
  }
  const others = () => props.users.filter(({ id }) => !props.team.users.some((user) => user.id === id))
  async function remove(event: Event): Promise<void> {
    event.preventDefault()
    if (await acting.run(() => change('DELETE', `/v1/teams/${props.team.id}`))) props.changed()
  }
  return (
    <Section title={props.team.name}>
      <ul class="team-users">
        <For each={props.team.users}>
          {(user) => (
            <li class="badge">
              {user.email}
              <button
                type="button"
                class="icon-btn"
                title={`Take ${user.email} out`}
                aria-label={`Take ${user.email} out of ${props.team.name}`}
                onClick={() => void set('DELETE', user)}
              >
                ×
              </button>
            </li>
          )}
        </For>
        <Show when={props.team.users.length === 0}>
          <li class="q">nobody yet</li>
        </Show>
      </ul>
      <div class="team-line">
        <select
          class="field"
          aria-label={`Take somebody into ${props.team.name}`}
          onChange={({ currentTarget }) => {
            const user = props.users.find(({ id }) => id === currentTarget.value)
            currentTarget.value = ''
            if (user !== undefined) void set('PUT', user)
          }}
        >
          <option value="">Take somebody in…</option>
          <For each={others()}>{({ id, email }) => <option value={id}>{email}</option>}</For>
        </select>
        <Show
          when={deleting()}
          fallback={
            <button type="button" class="btn sm quiet" onClick={() => setDeleting(true)}>
              Delete the team
            </button>
          }
        >
          <form class="set-form line" onSubmit={remove}>
            <Field
              label={`Type ${props.team.name} to delete it`}
              value={typed()}
              set={setTyped}
              placeholder={props.team.name}
            />
            <button type="submit" class="btn danger" disabled={acting.busy() || typed() !== props.team.name}>
              Delete
            </button>
            <button type="button" class="btn quiet" onClick={() => setDeleting(false)}>
              Keep
            </button>
          </form>
        </Show>
      </div>
      <Failed action={acting} />
    </Section>
  )
}
