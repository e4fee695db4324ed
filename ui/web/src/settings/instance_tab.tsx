/** What holds for the whole instance. For its admins. */
import { createResource, createSignal, Show } from 'solid-js'
import type { InstanceSettings } from '#ui/server/directory/settings.ts'
import { createAction } from '../api/action.ts'
import { change, read } from '../api/call.ts'
import { say } from '../shell/toast.tsx'
import { Failed, Field, Section } from './parts.tsx'
import { wholeTyped } from './quantities.ts'

export function InstanceTab() {
  const [settings, { mutate, refetch }] = createResource(() => read<InstanceSettings>('/v1/settings'))
  return (
    <>
      <Show when={settings.error}>
        <div class="problem" role="alert">
          {(settings.error as Error).message}{' '}
          <button type="button" class="link" onClick={() => void refetch()}>
            Try again
          </button>
        </div>
      </Show>
      <Show when={settings.error === undefined ? settings() : undefined} keyed>
        {(found) => <SigningIn settings={found} changed={mutate} />}
      </Show>
    </>
  )
}

function SigningIn(props: {
  readonly settings: InstanceSettings
  readonly changed: (settings: InstanceSettings) => void
}) {
  const [hours, setHours] = createSignal(String(props.settings.session_hours))
  const [passwords, setPasswords] = createSignal(props.settings.password_sign_in)
  const changing = createAction()
  const isSame = () =>
    wholeTyped(hours()) === props.settings.session_hours && passwords() === props.settings.password_sign_in
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    await changing.run(async () => {
      const body = { session_hours: wholeTyped(hours()), password_sign_in: passwords() }
      props.changed(await change<InstanceSettings>('PATCH', '/v1/settings', body))
      say('It holds from now on.')
    })
  }
  return (
    <Section title="Signing in">
      <form class="set-form" onSubmit={submit}>
        <Field
          label="Hours somebody stays signed in"
          value={hours()}
          set={setHours}
          size="short"
          note="1 to 720; for those who sign in from now on."
        />
        <div class="set-checks">
          <label>
            <input
              type="checkbox"
              checked={passwords()}
              onChange={({ currentTarget }) => setPasswords(currentTarget.checked)}
            />
            Passwords are taken{' '}
            <span class="q">without, users sign in at the OpenID provider only; keys always work</span>
          </label>
        </div>
        <Failed action={changing} />
        <button type="submit" class="btn primary" disabled={changing.busy() || isSame() || !wholeTyped(hours())}>
          Save
        </button>
      </form>
    </Section>
  )
}
