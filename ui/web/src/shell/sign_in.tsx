/** The door: an API key opens it. */
import { createSignal, onMount, Show } from 'solid-js'
import type { Problem } from '../api/problem.ts'
import { signIn } from '../api/session.ts'
import { Logo } from './icons.tsx'

export function SignIn() {
  const [key, setKey] = createSignal('')
  const [problem, setProblem] = createSignal<string | null>(null)
  const [busy, setBusy] = createSignal(false)
  let input!: HTMLInputElement
  onMount(() => {
    document.title = 'Sign in · millrace'
    input.focus()
  })

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    try {
      await signIn(key())
    } catch (error) {
      setProblem((error as Problem).message)
      input.select()
    } finally {
      setBusy(false)
    }
  }

  return (
    <main class="door">
      <form onSubmit={submit}>
        <h1 class="door-brand">
          <Logo />
          millrace
        </h1>
        <label for="key">API key</label>
        <input
          id="key"
          ref={input}
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
            setProblem(null)
          }}
          aria-invalid={problem() !== null}
          aria-describedby="key-note"
        />
        <div id="key-note" class="door-note" aria-live="polite">
          <Show
            when={problem()}
            fallback="The first start printed one. The key stays on the server; the browser keeps a session of 12 hours."
          >
            {(text) => <span class="err">{text()}</span>}
          </Show>
        </div>
        <button type="submit" class="btn primary" disabled={busy() || key().trim() === ''}>
          Sign in
        </button>
        <div class="door-more">
          <span class="q2">Another key, on the server's machine:</span>
          <code>npx millrace key add --scopes read</code>
        </div>
      </form>
    </main>
  )
}
