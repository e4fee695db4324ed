/** Which requests there are, how slow and how often they fail: by service and name of the root. */
import { For, Show } from 'solid-js'
import type { Row } from '../api/ask.ts'
import { conditionsOf } from '../events/cells.ts'
import { chipsOf, isSameChip } from '../events/chips.ts'
import { SERVICE } from '../events/columns.ts'
import { serviceClass } from '../events/services.ts'
import { filter, setFilter } from '../events/view.ts'
import { count, duration } from '../format/numbers.ts'

export interface Root {
  readonly service: string | null
  readonly name: string | null
  readonly traces: number
  readonly errors: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** @param row of `rootsSql` */
export function rootOf(row: Row): Root {
  return {
    service: row.service as string | null,
    name: row.name as string | null,
    traces: Number(row.traces),
    errors: Number(row.errors),
    p50Ms: Number(row.p50 ?? 0) / 1e6,
    p95Ms: Number(row.p95 ?? 0) / 1e6,
  }
}

export function Roots(props: { readonly roots: readonly Root[] }) {
  const chipsFor = ({ service, name }: Root) => [conditionsOf(SERVICE, service).only, conditionsOf('name', name).only]
  const chips = () => chipsOf(filter())
  const has = (chip: string) => chips().some((each) => isSameChip(each, chip))
  const isChosen = (root: Root) => chipsFor(root).every(has)
  const toggle = (root: Root) => {
    const own = chipsFor(root)
    const others = chips().filter((chip) => !own.some((each) => isSameChip(each, chip)))
    setFilter(isChosen(root) ? others : [...others, ...own])
  }
  return (
    <aside class="roots" aria-label="Roots">
      <table>
        <thead>
          <tr>
            <th>Root</th>
            <th class="num">Traces</th>
            <th class="num">p50</th>
            <th class="num">p95</th>
            <th class="num">Failed</th>
          </tr>
        </thead>
        <tbody>
          <For each={props.roots}>
            {(root) => (
              <tr classList={{ on: isChosen(root) }}>
                <td>
                  <button
                    type="button"
                    class="root-name"
                    aria-pressed={isChosen(root)}
                    title={`${root.service ?? 'no service'}: ${root.name ?? 'no name'}`}
                    onClick={() => toggle(root)}
                  >
                    <span class={`svc ${serviceClass(root.service ?? '')}`} />
                    <span class="data cut">{root.name ?? 'no name'}</span>
                    <small>{root.service}</small>
                  </button>
                </td>
                <td class="num">{count(root.traces)}</td>
                <td class="num q2">{duration(root.p50Ms)}</td>
                <td class="num q2">{duration(root.p95Ms)}</td>
                <td class="num" classList={{ err: root.errors > 0, q: root.errors === 0 }}>
                  <Show when={root.errors > 0} fallback="0">
                    {percent(root.errors / root.traces)}
                  </Show>
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </aside>
  )
}

/** `8.2 %`; what is there at all is not said to be nothing. */
const percent = (share: number) => `${share >= 0.1 ? Math.round(share * 100) : Math.max(0.1, share * 100).toFixed(1)} %`
