/** No trace to show: why, and what helps. */
import { createResource, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import type { Selection } from '../events/statements.ts'
import { filter, setFilter, setRange } from '../events/view.ts'
import { count } from '../format/numbers.ts'
import { type Order, rootCountSql } from './statements.ts'
import { area, setArea, setOrder } from './view.ts'

const WEEK_MS = 7 * 24 * 3_600_000

export function NoTraces(props: { readonly selection: Selection | null; readonly order: Order }) {
  const [around] = createResource(
    () => props.selection,
    async ({ from, to }) => {
      const [[inRange], [inWeek]] = await Promise.all([
        askRows(rootCountSql({ from, to, where: null })),
        askRows(rootCountSql({ from: to - WEEK_MS, to, where: null })),
      ])
      return { range: Number(inRange.traces), week: Number(inWeek.traces) }
    },
  )
  const narrowed = () => filter() !== '' || area() !== null || props.order === 'failing'
  return (
    <Show when={around.error === undefined ? around() : undefined}>
      {(found) => (
        <div class="empty">
          <Show
            when={found().range > 0 && narrowed()}
            fallback={
              <Show
                when={found().week > 0}
                fallback={
                  <>
                    <h2>No trace has arrived yet.</h2>
                    <p>
                      Any OpenTelemetry SDK that sends spans here makes some;{' '}
                      <a class="link" href="/events">
                        Events
                      </a>{' '}
                      shows the lines to copy.
                    </p>
                  </>
                }
              >
                <h2>No trace began in this range.</h2>
                <p>In the week before its end there are {count(found().week)}.</p>
                <button type="button" class="btn" onClick={() => setRange({ lastMs: WEEK_MS })}>
                  Last week
                </button>
              </Show>
            }
          >
            <h2>
              0 of {count(found().range)} traces {props.order === 'failing' ? 'failed and match' : 'match'}.
            </h2>
            <Show when={area() !== null}>
              <button type="button" class="btn" onClick={() => setArea(null)}>
                Without the rectangle
              </button>
            </Show>
            <Show when={filter() !== ''}>
              <button type="button" class="btn" onClick={() => setFilter([])}>
                Without the filter
              </button>
            </Show>
            <Show when={props.order === 'failing'}>
              <button type="button" class="btn" onClick={() => setOrder('newest')}>
                The newest, failed or not
              </button>
            </Show>
          </Show>
        </div>
      )}
    </Show>
  )
}
