/** `/invite#<token>`: who is invited chooses a password, or proves to have the account that is there, and is in. */
import { createSignal, Match, onMount, Show, Switch } from 'solid-js'
import { createAction } from '../api/action.ts'
import { postJson } from '../api/problem.ts'
import { signIn } from '../api/session.ts'
import { createWays } from '../api/ways.ts'
import { Logo } from './icons.tsx'
import { navigate } from './router.ts'

const MIN_PASSWORD_LENGTH = 12

export default function InvitePage() {
  const token = location.hash.slice(1)
  const ways = createWays()
  const [name, setName] = createSignal('')
  const [password, setPassword] = createSignal('')
  const { busy, problem, run, forget } = createAction()
  let input: HTMLInputElement | undefined
  onMount(() => {
    document.title = 'Invitation · millrace'
    input?.focus()
  })

  async function accept(event: Event): Promise<void> {
    event.preventDefault()
    const isIn = await run(async () => {
      const body = { token, name: name().trim(), password: password() }
      const { email } = await postJson<{ email: string }>('/v1/invitations/accept', body)
      await signIn({ email, password: password() })
    })
    if (isIn) navigate('/events')
    else input?.select()
  }

  return (
    <main class="door">
      <form onSubmit={accept}>
        <h1 class="door-brand">
          <Logo />
          millrace
        </h1>
        <Switch>
          <Match when={token === ''}>
            <NoToken />
          </Match>
          <Match when={ways.latest?.password === false}>
            <AtProvider name={ways.latest?.provider ?? null} />
          </Match>
          <Match when={true}>
            <h2 class="door-title">You are invited</h2>
            <p class="door-note">
              Choose a password for your account. If you have one here at this address already, type its password.
            </p>
            <label for="new-password">Password</label>
            <input
              id="new-password"
              ref={input}
              class="field"
              classList={{ bad: problem() !== null }}
              type="password"
              autocomplete="new-password"
              minlength={MIN_PASSWORD_LENGTH}
              required
              value={password()}
              onInput={({ currentTarget }) => {
                setPassword(currentTarget.value)
                forget()
              }}
              aria-invalid={problem() !== null}
              aria-describedby="door-note"
            />
            <label for="name">
              Name <span class="q">as others see it, optional</span>
            </label>
            <input
              id="name"
              class="field"
              autocomplete="name"
              maxlength={200}
              value={name()}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
            />
            <div id="door-note" class="door-note" aria-live="polite">
              <Show
                when={problem()}
                fallback={`At least ${MIN_PASSWORD_LENGTH} characters; a sentence is easy to remember.`}
              >
                {(text) => <span class="err">{text()}</span>}
              </Show>
            </div>
            <button type="submit" class="btn primary" disabled={busy() || password().length < MIN_PASSWORD_LENGTH}>
              Accept and sign in
            </button>
          </Match>
        </Switch>
      </form>
    </main>
  )
}

/** Where no passwords are taken, the provider proves who has the address that is invited. */
function AtProvider(props: { readonly name: string | null }) {
  return (
    <>
      <h2 class="door-title">You are invited</h2>
      <p class="door-note">No passwords are taken here: sign in with the address that was invited, and you are in.</p>
      <Show when={props.name}>
        {(name) => (
          <a class="btn door-provider" href="/v1/session/oidc">
            Sign in with {name()}
          </a>
        )}
      </Show>
    </>
  )
}

function NoToken() {
  return (
    <>
      <p>This link has no invitation in it. Copy it whole: what stands after # belongs to it.</p>
      <a class="btn" href="/">
        To the sign-in
      </a>
    </>
  )
}
