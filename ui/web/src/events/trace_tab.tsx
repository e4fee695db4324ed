/** The trace of a row in small: its longest spans, one line each. */
import { createMemo, createResource, For, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import { duration } from '../format/numbers.ts'
import { readTrace } from '../trace/tree.ts'
import { traceLink } from './drawer.tsx'
import type { ListedEvent } from './event.ts'
import { serviceClass } from './services.ts'
import { traceSql } from './statements.ts'

const AROUND_MS = 10 * 60_000
const SHOWN_SPANS = 14

export function TraceTab(props: { readonly event: ListedEvent }) {
  const [rows] = createResource(
    () => ({ traceId: props.event.traceId!, at: props.event.at }),
    ({ traceId, at }) => askRows(traceSql(traceId, at - AROUND_MS, at + AROUND_MS, 2_000)),
  )
  const trace = createMemo(() => {
    const found = rows.error === undefined ? rows.latest : undefined
    return found === undefined ? undefined : readTrace(found)
  })
  const percent = (ms: number) => (ms / Math.max(0.001, trace()!.durationMs)) * 100
  return (
    <section class="sect">
      <Show
        when={trace()}
        fallback={<p class="q">{rows.error ? (rows.error as Error).message : 'Reading the trace…'}</p>}
      >
        {(found) => (
          <>
            <h3>
              <a class="acc data" href={traceLink({ ...props.event, traceId: props.event.traceId! })}>
                {props.event.traceId!.slice(0, 8)}…{props.event.traceId!.slice(-4)}
              </a>
              , {found().spans.length} spans, {duration(found().durationMs)}
            </h3>
            <div class="mini">
              <For each={found().spans.slice(0, SHOWN_SPANS)}>
                {(span) => (
                  <>
                    <span class={`svc cut ${serviceClass(span.service)}`} title={span.name}>
                      {span.name}
                    </span>
                    <u class={serviceClass(span.service)}>
                      <i
                        style={{
                          left: `${percent(span.at - found().start)}%`,
                          width: `${Math.max(0.5, percent(span.durationMs))}%`,
                        }}
                      />
                    </u>
                    <span class="num" classList={{ err: span.failed }}>
                      {duration(span.durationMs)}
                    </span>
                  </>
                )}
              </For>
            </div>
            <Show when={found().spans.length > SHOWN_SPANS}>
              <p class="q">and {found().spans.length - SHOWN_SPANS} more: open the trace</p>
            </Show>
          </>
        )}
      </Show>
    </section>
  )
}
