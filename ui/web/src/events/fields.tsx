/** Every field of an event, grouped; each value is a filter away. */
import { For, Show } from 'solid-js'
import { eventPlace } from '#pipeline/batch/event_id.ts'
import type { Row } from '../api/ask.ts'
import { count } from '../format/numbers.ts'
import { linkTo } from '../shell/router.ts'
import { conditionsOf } from './cells.ts'
import { quoted } from './chips.ts'
import { type ListedEvent, shownValue } from './event.ts'
import { promotedColumn } from './filter.ts'
import { focusable } from './focused_field.ts'
import { addChip } from './view.ts'

interface Field {
  readonly name: string
  readonly value: unknown
  /** What the filter language calls it; `null` where it has no name there. */
  readonly operand: string | null
}

/** Shown elsewhere, or only another form of what is shown. */
const NOT_FIELDS =
  /^(attributes|resource|attributes___.*|resource___.*|body|summary|context|severity|date|project_id|otlp_exact|errors|events|links|.*_nanos|timestamp|start_time|level|kind|name|duration|id)$/

export function EventFields(props: { readonly row: Row; readonly event: ListedEvent }) {
  const stack = () => {
    const sent = (props.row.attributes as Record<string, unknown> | null)?.['exception.stacktrace']
    return typeof sent === 'string' && sent !== '' ? sent : null
  }
  const scoped = (scope: 'attributes' | 'resource'): Field[] =>
    Object.entries((props.row[scope] ?? {}) as Record<string, unknown>)
      .filter(([name]) => name !== 'exception.stacktrace')
      .map(([name, value]) => ({
        name,
        value,
        operand: promotedColumn(scope, name, value) ?? `${scope}->>${quoted(name)}`,
      }))
  const rest = (): Field[] =>
    Object.entries(props.row)
      .filter(([name, value]) => value !== null && !NOT_FIELDS.test(name))
      .map(([name, value]) => ({
        name: name.replaceAll('___', '.'),
        value,
        operand: typeof value === 'object' ? null : name,
      }))
  const place = () => eventPlace(props.event.id)

  return (
    <>
      <Show when={props.row.body !== null && typeof props.row.body === 'object'}>
        <section class="sect">
          <h3>Body</h3>
          <pre class="stack">{JSON.stringify(props.row.body, null, 2)}</pre>
        </section>
      </Show>
      <Show when={stack()}>
        {(text) => (
          <section class="sect">
            <h3>Stack</h3>
            <pre class="stack">
              <For each={text().split('\n')}>{(line) => <StackLine line={line} />}</For>
            </pre>
          </section>
        )}
      </Show>
      <Fields title="Attributes" fields={scoped('attributes')} />
      <Fields title="Resource" fields={scoped('resource')} />
      <SpanEvents events={props.row.events} start={props.event.at} />
      <Fields title="Record" fields={rest()} />
      <section class="sect">
        <h3>Lineage</h3>
        <div class="data q2">
          telemetry.raw.v1, partition {place().partition}, offset {count(place().offset)}, position{' '}
          {count(place().position)}
        </div>
        <div class="data q">{props.event.id}</div>
      </section>
    </>
  )
}

function Fields(props: { readonly title: string; readonly fields: readonly Field[] }) {
  return (
    <Show when={props.fields.length > 0}>
      <section class="sect">
        <h3>{props.title}</h3>
        <dl class="kv">
          <For each={props.fields}>
            {(field) => (
              <div
                class="field-row"
                {...(field.operand === null ? {} : focusable(() => conditionsOf(field.operand!, plain(field.value))))}
              >
                <dt title={field.name}>{field.name}</dt>
                <dd title={shownValue(field.value)}>
                  <span class="cut">{shownValue(field.value)}</span>
                  <Show when={field.operand}>
                    {(operand) => <FieldActions operand={operand()} value={field.value} />}
                  </Show>
                </dd>
              </div>
            )}
          </For>
        </dl>
      </section>
    </Show>
  )
}

const plain = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : value)

function FieldActions(props: { readonly operand: string; readonly value: unknown }) {
  const conditions = () => conditionsOf(props.operand, plain(props.value))
  const groupBy = () =>
    linkTo('/sql', {
      sql: `SELECT ${props.operand} AS value, count(*) AS events\nFROM otel_logs_and_spans\nWHERE timestamp >= now() - INTERVAL '1 hour'\nGROUP BY value\nORDER BY events DESC\nLIMIT 50`,
    })
  return (
    <span class="field-actions">
      <button type="button" onClick={() => addChip(conditions().only)}>
        only this
      </button>
      <button type="button" onClick={() => addChip(conditions().without)}>
        without
      </button>
      <a href={groupBy()}>group by</a>
    </span>
  )
}

/** `at authorize (src/client.ts:118:9)`: what was called stands out, where it is follows. */
function StackLine(props: { readonly line: string }) {
  const frame = () => /^\s+at (?:(.+?) \()?(.+?)\)?$/.exec(props.line)
  return (
    <Show when={frame()} fallback={`${props.line}\n`}>
      {(found) => (
        <>
          {'  '}
          <b>{found()[1] ?? 'anonymous'}</b> <i>{found()[2]}</i>
          {'\n'}
        </>
      )}
    </Show>
  )
}

interface SpanEvent {
  readonly event_name?: string
  readonly event_time?: string
}

function SpanEvents(props: { readonly events: unknown; readonly start: number }) {
  const events = () => (Array.isArray(props.events) ? (props.events as SpanEvent[]) : [])
  return (
    <Show when={events().length > 0}>
      <section class="sect">
        <h3>Events in this span</h3>
        <div class="logs">
          <For each={events()}>
            {(event) => (
              <div>
                <span>+ {Math.max(0, Date.parse(event.event_time ?? '') - props.start) || 0} ms</span>
                <p class="q2">{event.event_name}</p>
              </div>
            )}
          </For>
        </div>
      </section>
    </Show>
  )
}
