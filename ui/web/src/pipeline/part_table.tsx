/** The graph's twin for who reads tables: the same numbers, one part a line. */
import { For } from 'solid-js'
import type { PartReport, Sample } from '../api/topology.ts'
import { count, rate } from '../format/numbers.ts'
import { linkTo } from '../shell/router.ts'
import { conditionOf, ratesOf } from './rates.ts'

const WORDS = { well: 'keeps up', late: 'late', stopped: 'stopped' } as const

export function PartTable(props: {
  readonly parts: readonly PartReport[]
  readonly samples: readonly Sample[]
  readonly selected: string | undefined
  readonly select: (name: string) => void
}) {
  return (
    <section class="canvas plain" aria-label="Parts as a table">
      <table class="parts">
        <thead>
          <tr>
            <th>Part</th>
            <th>Kind</th>
            <th>Reads</th>
            <th>Condition</th>
            <th class="num">Events/s</th>
            <th class="num">Busy</th>
            <th class="num">Behind, records</th>
            <th class="num">Events</th>
            <th class="num">Dead letters</th>
          </tr>
        </thead>
        <tbody>
          <For each={props.parts}>
            {(part) => (
              <tr classList={{ sel: part.name === props.selected, hot: conditionOf(part) !== 'well' }}>
                <td>
                  <button type="button" class="link hi data" onClick={() => props.select(part.name)}>
                    {part.name}
                  </button>
                </td>
                <td class="q2">{part.kind}</td>
                <td class="data q2">{part.consumes}</td>
                <td classList={{ warn: conditionOf(part) !== 'well' }}>{WORDS[conditionOf(part)]}</td>
                <td class="num data">{rate(part.events_per_second)}</td>
                <td class="num data">
                  {Math.round((ratesOf(props.samples.slice(-2), part.name).at(-1)?.busy ?? 0) * 100)}%
                </td>
                <td class="num data">{count(part.lag_records)}</td>
                <td class="num data">{count(part.events_total)}</td>
                <td class="num data">
                  <a class="link" href={linkTo('/dead-letters', { stage: part.name })}>
                    {count(part.dead_letters_total)}
                  </a>
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </section>
  )
}
