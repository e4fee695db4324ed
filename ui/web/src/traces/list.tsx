/** Traces, one line each. */
import { For, Show } from 'solid-js'
import type { Row } from '../api/ask.ts'
import { serviceClass } from '../events/services.ts'
import { count, duration } from '../format/numbers.ts'
import { clockMs } from '../format/time.ts'
import { linkTo } from '../shell/router.ts'

export interface ListedTrace {
  readonly traceId: string
  /** Of the root span. */
  readonly id: string
  readonly timestamp: string
  readonly at: number
  readonly service: string
  readonly name: string
  readonly durationMs: number
  readonly failed: boolean
  readonly spans: number
  readonly errors: number
  readonly services: readonly string[]
}

/** @param row of `tracesSql` */
export function listedTrace(row: Row): ListedTrace {
  return {
    traceId: String(row.trace),
    id: String(row.id),
    timestamp: String(row.timestamp),
    at: Date.parse(String(row.timestamp)),
    service: String(row.service ?? ''),
    name: String(row.name ?? ''),
    durationMs: Number(row.duration ?? 0) / 1e6,
    failed: row.status_code === 'ERROR',
    spans: Number(row.spans ?? 1),
    errors: Number(row.errors ?? 0),
    services: ((row.services ?? []) as (string | null)[]).filter((name) => name !== null),
  }
}

export const linkOf = ({ traceId, id, timestamp }: ListedTrace): string =>
  linkTo(`/trace/${traceId}`, { row: `${id}@${timestamp}` })

const MARKS = 6

export function TraceList(props: {
  readonly traces: readonly ListedTrace[]
  readonly selected: string | null
  readonly busy: boolean
  readonly select: (trace: ListedTrace) => void
  readonly open: (trace: ListedTrace) => void
}) {
  const slowest = () => Math.max(1e-6, ...props.traces.map(({ durationMs }) => durationMs))
  return (
    <div
      class="grid traces"
      role="grid"
      tabIndex={0}
      aria-label="Traces"
      aria-rowcount={props.traces.length + 1}
      aria-busy={props.busy}
      aria-activedescendant={props.selected === null ? undefined : `trace-${props.selected}`}
    >
      <div class="head" role="row">
        <span role="columnheader">Started, UTC</span>
        <span role="columnheader">Service</span>
        <span role="columnheader">Root</span>
        <span role="columnheader" class="num">
          Duration
        </span>
        <span role="columnheader" class="num">
          Spans
        </span>
        <span role="columnheader" class="num">
          Errors
        </span>
        <span role="columnheader">Services</span>
      </div>
      <div role="rowgroup">
        <For each={props.traces}>
          {(trace, at) => (
            <div
              class="row"
              classList={{
                sel: trace.id === props.selected,
                error: trace.failed,
                warn: !trace.failed && trace.errors > 0,
              }}
              role="row"
              id={`trace-${trace.id}`}
              aria-rowindex={at() + 2}
              aria-selected={trace.id === props.selected}
              onClick={() => props.select(trace)}
              onDblClick={() => props.open(trace)}
            >
              <span class="t" role="gridcell" title={trace.timestamp}>
                {clockMs(trace.at)}
              </span>
              <span class={`svc cut ${serviceClass(trace.service)}`} role="gridcell">
                {trace.service}
              </span>
              <span class="m cut" role="gridcell">
                <a href={linkOf(trace)} tabIndex={-1}>
                  <b>{trace.name || 'a span without a name'}</b>
                </a>
              </span>
              <span class="dur wide" role="gridcell">
                <i style={{ width: `${(trace.durationMs / slowest()) * 100}px` }} />
                <b>{duration(trace.durationMs)}</b>
              </span>
              <span class="num q2" role="gridcell">
                {count(trace.spans)}
              </span>
              <span class="num" classList={{ err: trace.errors > 0, q: trace.errors === 0 }} role="gridcell">
                {count(trace.errors)}
              </span>
              <span class="trace-services" role="gridcell" title={trace.services.join(', ')}>
                <For each={trace.services.slice(0, MARKS)}>{(name) => <i class={serviceClass(name)} />}</For>
                <span class="q cut">
                  {trace.services.length} <Show when={trace.services.length <= 3}>{trace.services.join(', ')}</Show>
                </span>
              </span>
            </div>
          )}
        </For>
      </div>
    </div>
  )
}
