/** The door: an API key opens it, an e-mail address with its password, or the provider that is set up. */
import { createSignal, Match, onMount, Show, Switch } from 'solid-js'
import { createAction } from '../api/action.ts'
import { signIn } from '../api/session.ts'
import { createWays } from '../api/ways.ts'
import { Icon, Logo } from './icons.tsx'

type Way = 'key' | 'password'
/** The one this browser used last. */
const REMEMBERED = 'sign-in'

export function SignIn() {
  const [chosen, setWay] = createSignal<Way>(localStorage.getItem(REMEMBERED) === 'password' ? 'password' : 'key')
  const ways = createWays()
  const takesPasswords = () => ways.latest?.password !== false
  const way = (): Way => (takesPasswords() ? chosen() : 'key')
  const [key, setKey] = createSignal('')
  const [email, setEmail] = createSignal('')
  const [password, setPassword] = createSignal('')
  const { busy, problem, run, forget } = createAction()
  let first!: HTMLInputElement
  let second!: HTMLInputElement
  onMount(() => {
    document.title = 'Sign in · millrace'
    first.focus()
  })

  const choose = (next: Way) => {
    localStorage.setItem(REMEMBERED, next)
    forget()
    setWay(next)
    first.focus()
  }
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const by = way() === 'key' ? { key: key() } : { email: email().trim(), password: password() }
    if (await run(() => signIn(by))) return
    if (way() === 'key') first.select()
    else second.select()
  }
  const isEmpty = () => (way() === 'key' ? key().trim() === '' : email().trim() === '' || password() === '')
  const provider = () => ways.latest?.provider ?? null

  return (
    <main class="door">
      <form onSubmit={submit}>
        <h1 class="door-brand">
          <Logo />
          millrace
        </h1>
        <Show when={provider()}>
          {(name) => (
            <a class="btn door-provider" href="/v1/session/oidc">
              <Icon name="door" /> Sign in with {name()}
            </a>
          )}
        </Show>
        <Show when={takesPasswords()}>
          <div class="seg door-ways" role="group" aria-label="How to sign in">
            <button
              type="button"
              classList={{ on: way() === 'key' }}
              aria-pressed={way() === 'key'}
              onClick={() => choose('key')}
            >
              Key
            </button>
            <button
              type="button"
              classList={{ on: way() === 'password' }}
              aria-pressed={way() === 'password'}
              onClick={() => choose('password')}
            >
              E-mail
            </button>
          </div>
        </Show>
        <Switch>
          <Match when={way() === 'key'}>
            <label for="key">API key</label>
            <input
              id="key"
              ref={first}
              class="field data"
              classList={{ bad: problem() !== null }}
              type="password"
              autocomplete="current-password"
              spellcheck={false}
              placeholder="mr_…"
              required
              value={key()}
              onInput={({ currentTarget }) => {
                setKey(currentTarget.value)
                forget()
              }}
              aria-invalid={problem() !== null}
              aria-describedby="door-note"
            />
          </Match>
          <Match when={way() === 'password'}>
            <label for="email">E-mail</label>
            <input
              id="email"
              ref={first}
              class="field"
              classList={{ bad: problem() !== null }}
              type="email"
              autocomplete="username"
              required
              value={email()}
              onInput={({ currentTarget }) => {
                setEmail(currentTarget.value)
                forget()
              }}
              aria-invalid={problem() !== null}
              aria-describedby="door-note"
            />
            <label for="password">Password</label>
            <input
              id="password"
              ref={second}
              class="field"
              classList={{ bad: problem() !== null }}
              type="password"
              autocomplete="current-password"
              required
              value={password()}
              onInput={({ currentTarget }) => {
                setPassword(currentTarget.value)
                forget()
              }}
              aria-invalid={problem() !== null}
              aria-describedby="door-note"
            />
          </Match>
        </Switch>
        <div id="door-note" class="door-note" aria-live="polite">
          <Show when={problem()} fallback={way() === 'password' ? NO_ACCOUNT : keyNote(ways.latest?.session_hours)}>
            {(text) => <span class="err">{text()}</span>}
          </Show>
        </div>
        <button type="submit" class="btn primary" disabled={busy() || isEmpty()}>
          Sign in
        </button>
        <Show when={way() === 'key'}>
          <div class="door-more">
            <span class="q2">Another key, on the server's machine:</span>
            <code>npx millrace key add --scopes read</code>
          </div>
        </Show>
      </form>
    </main>
  )
}

const NO_ACCOUNT =
  'No account yet? An admin of your project can invite you. Forgotten? They can have you given another password.'
const keyNote = (hours: number | undefined): string =>
  `The first start printed one. The key stays on the server; the browser keeps a session${hours === undefined ? '' : ` of ${hours} ${hours === 1 ? 'hour' : 'hours'}`}.`
