/** An answer as a table: sticky head, numbers to the right, times and ids as they are. */
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { Answer } from '../api/ask.ts'
import { shownValue } from '../events/event.ts'
import { count } from '../format/numbers.ts'

const NUMERIC = /^(integer|bigint|smallint|hugeint|double precision|real|numeric|decimal)/
/** More lines than anybody reads; the copy has them all. */
const SHOWN_ROWS = 500

export function Results(props: { readonly answer: Answer }) {
  const [order, setOrder] = createSignal<{ readonly column: number; readonly down: boolean } | null>(null)
  const rows = createMemo(() => {
    const chosen = order()
    if (chosen === null) return props.answer.rows
    const sign = chosen.down ? -1 : 1
    return props.answer.rows.toSorted((a, b) => sign * compare(a[chosen.column], b[chosen.column]))
  })
  const sort = (column: number) => {
    const before = order()
    if (before?.column !== column) setOrder({ column, down: isNumber(column) })
    else setOrder({ column, down: !before.down })
  }
  const isNumber = (column: number) => NUMERIC.test(props.answer.columns[column].type)
  const direction = (column: number) =>
    order()?.column !== column ? undefined : order()!.down ? 'descending' : 'ascending'
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is scrolled by keys, too
    <section class="results" tabIndex={0} aria-label="Rows of the answer">
      <table>
        <thead>
          <tr>
            <For each={props.answer.columns}>
              {(column, at) => (
                <th classList={{ num: isNumber(at()) }} aria-sort={direction(at())}>
                  <button type="button" title={column.type} onClick={() => sort(at())}>
                    {column.name}
                    <span aria-hidden="true">{direction(at()) === undefined ? '' : order()!.down ? ' ↓' : ' ↑'}</span>
                  </button>
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody>
          <For each={rows().slice(0, SHOWN_ROWS)}>
            {(row) => (
              <tr>
                <For each={row}>
                  {(value, at) => (
                    <td
                      class="data"
                      classList={{ num: isNumber(at()), q: value === null }}
                      title={value === null ? 'NULL' : shownValue(value)}
                    >
                      <span class="cell cut">{value === null ? 'null' : shownValue(value)}</span>
                    </td>
                  )}
                </For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <Show when={rows().length > SHOWN_ROWS}>
        <p class="q">
          {count(SHOWN_ROWS)} of {count(rows().length)} rows are shown.
        </p>
      </Show>
    </section>
  )
}

/** Numbers as numbers, also those that came as digits in a text; NULL last. */
function compare(a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  const [x, y] = [Number(a), Number(b)]
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y
  return shownValue(a) < shownValue(b) ? -1 : 1
}

/** RFC 4180. */
export function csvOf({ columns, rows }: Answer): string {
  const cell = (value: unknown) => {
    const text = value === null ? '' : shownValue(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [columns.map(({ name }) => name), ...rows].map((row) => row.map(cell).join(',')).join('\r\n')
}
