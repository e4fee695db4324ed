/** One's own password. */
import { createSignal } from 'solid-js'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { session } from '../api/session.ts'
import { say } from '../shell/toast.tsx'
import { Failed, Field, Section } from './parts.tsx'

const MIN_PASSWORD_LENGTH = 12

export function AccountTab() {
  const [current, setCurrent] = createSignal('')
  const [password, setPassword] = createSignal('')
  const changing = createAction()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const body = { current: current(), password: password() }
    if (!(await changing.run(() => change('POST', '/v1/session/password', body)))) return
    setCurrent('')
    setPassword('')
    say('Your password is changed; your other sessions have ended.')
  }
  return (
    <Section title="Your password" note={`You are ${session()?.name}. Changing it ends your other sessions.`}>
      <form class="set-form" onSubmit={submit}>
        <Field
          label="The password you have"
          type="password"
          autocomplete="current-password"
          value={current()}
          set={setCurrent}
          note="Empty where you only sign in at a provider so far."
        />
        <Field
          label="Another one"
          type="password"
          autocomplete="new-password"
          value={password()}
          set={setPassword}
          minlength={MIN_PASSWORD_LENGTH}
          required
          note={`At least ${MIN_PASSWORD_LENGTH} characters.`}
        />
        <Failed action={changing} />
        <button type="submit" class="btn primary" disabled={changing.busy() || password().length < MIN_PASSWORD_LENGTH}>
          Change it
        </button>
      </form>
    </Section>
  )
}
