/** Who may sign in at all. For admins of the instance. */
import { createSignal, For, Show } from 'solid-js'
import type { UserAnswer } from '#ui/server/api/user_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { createListed } from '../api/listed.ts'
import { session } from '../api/session.ts'
import { say } from '../shell/toast.tsx'
import { Confirmed, Failed, Field, ListFoot, Once, RoleChoice, Section, When } from './parts.tsx'

type WithPassword = UserAnswer & { readonly password: string }

export function UsersTab() {
  const users = createListed<UserAnswer>(() => '/v1/users')
  const [shown, setShown] = createSignal<WithPassword>()
  const acting = createAction()
  const show = (user: WithPassword) => {
    setShown(user)
    void users.again()
  }
  const setDisabled = async (user: UserAnswer, disabled: boolean) => {
    if (!(await acting.run(() => change('PATCH', `/v1/users/${user.id}`, { disabled })))) return
    await users.again()
    const sentence = disabled
      ? `${user.email} is signed out everywhere and kept out.`
      : `${user.email} may sign in again.`
    say(sentence, () => void setDisabled(user, !disabled))
  }
  const givePassword = ({ id }: UserAnswer) =>
    acting.run(async () => show(await change<WithPassword>('POST', `/v1/users/${id}/password`)))

  return (
    <>
      <Section
        title="New user"
        note="With a password you hand over. To let people choose their own, invite them: Members."
      >
        <NewUser made={show} />
        <Show when={shown()} keyed>
          {(user) => (
            <Once
              title={`Password of ${user.email}`}
              what="The password"
              secret={user.password}
              close={() => setShown(undefined)}
            >
              <p class="set-note">They sign in with it at {location.origin} and change it under “Your account”.</p>
            </Once>
          )}
        </Show>
      </Section>
      <Section title="Users">
        <table class="set-table">
          <thead>
            <tr>
              <th>E-mail</th>
              <th>Name</th>
              <th>Since, UTC</th>
              <th>
                <span class="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={users.items() ?? []}>
              {(user) => (
                <tr>
                  <td>
                    {user.email}{' '}
                    <Show when={user.disabled_at !== null}>
                      <span class="badge warn">kept out</span>
                    </Show>
                    <Show when={user.email === session()?.name}>
                      <span class="badge">you</span>
                    </Show>
                  </td>
                  <td class="q2">{user.name}</td>
                  <td class="q2">
                    <When at={user.created_at} />
                  </td>
                  <td class="num">
                    <Confirmed
                      label="New password"
                      of={`for ${user.email}`}
                      sentence="The one they have works no more, and they are signed out."
                      busy={acting.busy()}
                      do={() => void givePassword(user)}
                    />
                    <button
                      type="button"
                      class="btn sm quiet"
                      aria-label={`${user.disabled_at === null ? 'Keep out' : 'Let in'} ${user.email}`}
                      disabled={acting.busy()}
                      onClick={() => void setDisabled(user, user.disabled_at === null)}
                    >
                      {user.disabled_at === null ? 'Keep out' : 'Let in'}
                    </button>
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <Show when={users.items()?.length === 0}>
          <p class="set-note">No users yet: this instance is entered with keys. The first user may be you.</p>
        </Show>
        <Failed action={acting} />
        <ListFoot list={users} />
      </Section>
    </>
  )
}

function NewUser(props: { readonly made: (user: WithPassword) => void }) {
  const [email, setEmail] = createSignal('')
  const [name, setName] = createSignal('')
  const [role, setRole] = createSignal<'viewer' | 'editor' | 'admin'>('viewer')
  const making = createAction()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    await making.run(async () => {
      const body = { email: email().trim(), name: name().trim(), role: role() }
      props.made(await change<WithPassword>('POST', '/v1/users', body))
      setEmail('')
      setName('')
    })
  }
  return (
    <>
      <form class="set-form line" onSubmit={submit}>
        <Field label="E-mail" type="email" value={email()} set={setEmail} required placeholder="ann@example.com" />
        <Field label="Name" value={name()} set={setName} />
        <RoleChoice label={`Role in ${session()?.project}`} value={role()} set={setRole} />
        <button type="submit" class="btn primary" disabled={making.busy() || email().trim() === ''}>
          Make the user
        </button>
      </form>
      <Failed action={making} />
    </>
  )
}
