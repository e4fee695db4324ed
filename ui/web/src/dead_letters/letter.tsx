/** One dead letter: the event as the stage read it, where it came from, and the bytes. */
import { For, Show } from 'solid-js'
import type { DeadLetterAnswer } from '#ui/server/api/dead_letter_routes.ts'
import { bytes, count } from '../format/numbers.ts'
import { copy } from '../shell/toast.tsx'

const DUMP_BYTES = 240
/** What a drawer has room for. */
const LINE_BYTES = 12

/** What it is about, in a line. */
export function letterTitle({ event, bytes: unread, detail }: DeadLetterAnswer): string {
  if (unread !== null) return `${bytes(unread.size)} that cannot be read`
  const body = [event.summary, event.name, event.body].find((value) => typeof value === 'string' && value !== '')
  return body === undefined ? detail : plainText(String(body))
}

/** Text that is JSON of nothing but a text is said as that text. */
function plainText(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}

export function Letter(props: {
  readonly letter: DeadLetterAnswer
  readonly withRaw: boolean
  readonly showRaw: () => void
}) {
  const fields = (scope: RegExp, without?: RegExp) =>
    Object.entries(props.letter.event)
      .filter(([name]) => scope.test(name) && !(without?.test(name) ?? false))
      .map(([name, value]) => ({ name: plainName(name.replace(scope, '')), value }))
  return (
    <div class="dead-letter">
      <section class="sect">
        <h3>Why</h3>
        <p class="dead-why">{props.letter.detail || 'It did not say.'}</p>
      </section>
      <Fields title="Attributes" fields={fields(/^attributes(\.|___)/)} />
      <Fields title="Resource" fields={fields(/^resource(\.|___)/)} />
      <Fields title="Record" fields={fields(/^/, /^(attributes|resource)(\.|___)/)} />
      <Show when={props.letter.bytes}>
        {(unread) => (
          <section class="sect">
            <h3>Bytes</h3>
            <Dump base64={unread().base64} size={unread().size} />
          </section>
        )}
      </Show>
      <section class="sect">
        <h3>Lineage</h3>
        <div class="data q2">
          {props.letter.raw.topic}, partition {props.letter.raw.partition}, offset {count(props.letter.raw.offset)}
          <Show when={props.letter.bytes === null}>, position {count(props.letter.raw.position)}</Show>
        </div>
        <div class="data q">{props.letter.event_id ?? props.letter.id}</div>
        <Show when={props.letter.bytes === null}>
          <Show
            when={props.withRaw}
            fallback={
              <button type="button" class="link" onClick={props.showRaw}>
                Show the export it came in
              </button>
            }
          >
            <Show when={props.letter.raw_export} fallback={<p class="q">The export is not kept any more.</p>}>
              {(from) => <Export of={from()} />}
            </Show>
          </Show>
        </Show>
      </section>
      <div class="dead-copy">
        <button
          type="button"
          class="btn sm quiet"
          onClick={() => void copy('The dead letter', JSON.stringify(props.letter, null, 2))}
        >
          Copy as JSON
        </button>
      </div>
    </div>
  )
}

/** `http.request.method`, whichever way it is written. */
const plainName = (name: string) => name.replaceAll('___', '.')

function Fields(props: {
  readonly title: string
  readonly fields: readonly { readonly name: string; readonly value: unknown }[]
}) {
  const shown = (value: unknown) => (typeof value === 'string' ? plainText(value) : JSON.stringify(value))
  return (
    <Show when={props.fields.length > 0}>
      <section class="sect">
        <h3>{props.title}</h3>
        <dl class="kv">
          <For each={props.fields}>
            {({ name, value }) => (
              <div class="field-row">
                <dt title={name}>{name}</dt>
                <dd title={shown(value)}>
                  <span class="cut">{shown(value)}</span>
                </dd>
              </div>
            )}
          </For>
        </dl>
      </section>
    </Show>
  )
}

function Export(props: { readonly of: NonNullable<DeadLetterAnswer['raw_export']> }) {
  const text = () => {
    const { content_type, body } = props.of
    if (content_type !== 'application/json') return null
    const given = new TextDecoder().decode(bytesOf(body.base64))
    try {
      return JSON.stringify(JSON.parse(given), null, 2)
    } catch {
      return given
    }
  }
  return (
    <>
      <p class="q">
        {props.of.content_type}, {bytes(props.of.body.size)}
      </p>
      <Show when={text()} fallback={<Dump base64={props.of.body.base64} size={props.of.body.size} />}>
        {(json) => (
          <pre class="stack dead-export" role="region" tabindex={0} aria-label="The export">
            {json()}
          </pre>
        )}
      </Show>
    </>
  )
}

/** As hex dumps have them. */
function Dump(props: { readonly base64: string; readonly size: number }) {
  const lines = () => {
    const all = bytesOf(props.base64).subarray(0, DUMP_BYTES)
    return Array.from({ length: Math.ceil(all.length / LINE_BYTES) }, (_, at) => {
      const from = at * LINE_BYTES
      const line = [...all.subarray(from, from + LINE_BYTES)]
      const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      const text = line.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join('')
      return `${from.toString(16).padStart(4, '0')}  ${hex.padEnd(3 * LINE_BYTES - 1)}  ${text}\n`
    })
  }
  return (
    <>
      <pre class="stack" role="region" tabindex={0} aria-label="Bytes">
        {lines().join('')}
      </pre>
      <Show when={props.size > DUMP_BYTES}>
        <p class="q">
          the first {DUMP_BYTES} of {bytes(props.size)}
        </p>
      </Show>
    </>
  )
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
