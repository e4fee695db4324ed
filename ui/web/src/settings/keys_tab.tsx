/** API keys of the project: who may send, read, administer. */
import { createSignal, For, Show } from 'solid-js'
import type { KeyAnswer } from '#ui/server/api/key_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { createListed } from '../api/listed.ts'
import { session } from '../api/session.ts'
import { say } from '../shell/toast.tsx'
import { Confirmed, Failed, Field, Lines, ListFoot, Once, Section, When } from './parts.tsx'

type Scope = KeyAnswer['scopes'][number]
const SCOPES: readonly (readonly [scope: Scope, does: string])[] = [
  ['ingest', 'sends telemetry'],
  ['read', 'sees it: SQL, tail, this page'],
  ['admin', 'administers the project'],
]

export function KeysTab() {
  const keys = createListed<KeyAnswer>(() => '/v1/keys')
  const [made, setMade] = createSignal<KeyAnswer & { readonly key: string }>()
  const revoking = createAction()

  const revoke = async ({ id, name }: KeyAnswer) => {
    if (!(await revoking.run(() => change('DELETE', `/v1/keys/${id}`)))) return
    say(`${name || id} is revoked: whoever sends with it is refused.`)
    await keys.again()
  }
  return (
    <>
      <Section title="New key">
        <NewKey
          made={(key) => {
            setMade(key)
            void keys.again()
          }}
        />
        <Show when={made()} keyed>
          {(key) => (
            <Once title={`Key ${key.name || key.id}`} what="The key" secret={key.key} close={() => setMade(undefined)}>
              <Ready of={key} />
            </Once>
          )}
        </Show>
      </Section>
      <Section title="Keys in force">
        <table class="set-table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Id</th>
              <th>Scopes</th>
              <th>From pages of</th>
              <th>Made, UTC</th>
              <th>
                <span class="visually-hidden">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={keys.items() ?? []}>
              {(key) => (
                <tr>
                  <td classList={{ q: key.name === '' }}>{key.name || 'no name'}</td>
                  <td class="data q2">{key.id}</td>
                  <td>
                    <For each={key.scopes}>{(scope) => <span class="badge">{scope}</span>}</For>
                  </td>
                  <td class="data q2 cut set-origins" title={key.allowed_origins.join(', ')}>
                    {key.allowed_origins.join(', ') || '–'}
                  </td>
                  <td class="q2">
                    <When at={key.created_at} />
                  </td>
                  <td class="num">
                    <Confirmed
                      label="Revoke"
                      of={key.name || key.id}
                      sentence="Its senders and readers are refused at once, for good."
                      busy={revoking.busy()}
                      do={() => void revoke(key)}
                    />
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <Show when={keys.items()?.length === 0}>
          <p class="set-note">No key is stored yet. To send into this project, make one above, scope ingest.</p>
        </Show>
        <Failed action={revoking} />
        <ListFoot list={keys} />
      </Section>
    </>
  )
}

function NewKey(props: { readonly made: (key: KeyAnswer & { readonly key: string }) => void }) {
  const [name, setName] = createSignal('')
  const [scopes, setScopes] = createSignal<readonly Scope[]>(['ingest'])
  const [origins, setOrigins] = createSignal('')
  const making = createAction()
  const onlySends = () => scopes().join() === 'ingest'

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const allowed_origins = onlySends()
      ? origins()
          .split(/[\s,]+/)
          .filter(Boolean)
      : []
    const body = { name: name().trim(), scopes: scopes(), allowed_origins }
    await making.run(async () => {
      props.made(await change<KeyAnswer & { key: string }>('POST', '/v1/keys', body))
      setName('')
      setOrigins('')
    })
  }
  return (
    <form class="set-form" onSubmit={submit}>
      <Field label="What it is for" value={name()} set={setName} placeholder="checkout, production" />
      <fieldset class="set-field">
        <legend>It may</legend>
        <div class="set-checks">
          <For each={SCOPES}>
            {([scope, does]) => (
              <label>
                <input
                  type="checkbox"
                  checked={scopes().includes(scope)}
                  onChange={({ currentTarget: { checked } }) =>
                    setScopes((before) =>
                      SCOPES.map(([each]) => each).filter((each) => (each === scope ? checked : before.includes(each))),
                    )
                  }
                />
                {scope} <span class="q">{does}</span>
              </label>
            )}
          </For>
        </div>
      </fieldset>
      <Show when={onlySends()}>
        <Field
          label="Web pages that may send with it"
          value={origins()}
          set={setOrigins}
          data
          placeholder="https://shop.example"
          note="Origins, only where browsers send. Such a key is public: it can do nothing else."
        />
      </Show>
      <Failed action={making} />
      <button type="submit" class="btn primary" disabled={making.busy() || scopes().length === 0}>
        Make the key
      </button>
    </form>
  )
}

/** What to do with a new key, ready to paste. */
function Ready(props: { readonly of: KeyAnswer & { readonly key: string } }) {
  const otlp = () =>
    `${location.protocol === 'https:' ? 'https' : 'http'}://${location.hostname}:${session()!.otlp.http}`
  const may = (scope: Scope) => props.of.scopes.includes(scope)
  const sending = () => `export OTEL_EXPORTER_OTLP_ENDPOINT=${otlp()}
export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer ${props.of.key}"
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`
  const asking = () => `export MILLRACE_API_KEY=${props.of.key}
curl ${location.origin}/v1/query -H "authorization: Bearer $MILLRACE_API_KEY" \\
  -H 'content-type: application/json' \\
  -d '{"sql": "select timestamp, level, body from otel_logs_and_spans order by timestamp desc limit 10"}'`
  return (
    <>
      <Show when={may('ingest')}>
        <Lines title="Any OpenTelemetry SDK sends with this in its environment" text={sending()} />
      </Show>
      <Show when={may('read')}>
        <Lines title="Ask over HTTP" text={asking()} />
      </Show>
    </>
  )
}
