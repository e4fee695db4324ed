/** Beside the list: the most frequent values of a few columns, each a filter away. */
import { createMemo, For, Show } from 'solid-js'
import { askRows } from '../api/ask.ts'
import { createPolled } from '../api/polled.ts'
import { count } from '../format/numbers.ts'
import { bounds } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { conditionsOf } from './cells.ts'
import { chipsOf, isSameChip } from './chips.ts'
import { SERVICE } from './columns.ts'
import { severityOf } from './event.ts'
import {
  type CompiledChip,
  type Facet,
  type FacetValue,
  facetsOf,
  facetsSql,
  facetValues,
  VALUES_SHOWN,
} from './facets.ts'
import { compileFilter, columns as tableColumns } from './filter.ts'
import { focusable } from './focused_field.ts'
import { serviceClass } from './services.ts'
import type { Selection } from './statements.ts'
import * as view from './view.ts'

/** Counts are for orientation: while live they are read now and then, and more seldom where that takes long. */
const LIVE_INTERVAL_MS = 10_000
const REST_TIMES = 10

interface Counted {
  readonly facets: readonly Facet[]
  readonly values: readonly (readonly FacetValue[])[]
}

export function FacetPanel(props: { readonly selection: Selection | null }) {
  const asked = createMemo(() => props.selection && { selection: props.selection, facets: facetsOf(view.columns()) })
  const {
    answer: counted,
    problem: failed,
    again,
  } = createPolled(
    asked,
    async ({ facets }, signal): Promise<Counted> => ({ facets, values: await readValues(facets, signal) }),
    { intervalMs: LIVE_INTERVAL_MS, restTimes: REST_TIMES, goesOn: view.isLive },
  )
  let panel!: HTMLElement

  /** Facets of which there is something to choose; the same objects as long as the columns are. */
  const shown = createMemo(() => {
    const { facets = [], values = [] } = counted() ?? {}
    return facets.filter((_, at) => values[at].some(({ value }) => value !== null))
  })
  const valuesOf = (facet: Facet) => counted()?.values[counted()!.facets.indexOf(facet)] ?? []

  /** One stop for Tab, arrows within. */
  function key(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const values = [...panel.querySelectorAll<HTMLElement>('.facet-only')]
    const at = values.indexOf(event.target as HTMLElement)
    if (by === undefined || at < 0) return
    event.preventDefault()
    values[at + by]?.focus()
  }

  return (
    <aside class="facets" aria-label="Facets" ref={panel} onKeyDown={key}>
      <Show when={failed()}>
        {(message) => (
          <p class="facet-note" role="alert">
            The counts could not be read: {message()}{' '}
            <button type="button" class="link" onClick={again}>
              Try again
            </button>
          </p>
        )}
      </Show>
      <Show when={counted() !== null && shown().length === 0 && failed() === null}>
        <p class="facet-note">No event here has a level, a service or a name yet.</p>
      </Show>
      <For each={shown()}>
        {(facet, at) => <FacetGroup facet={facet} values={valuesOf(facet)} isFirst={at() === 0} />}
      </For>
    </aside>
  )
}

async function readValues(facets: readonly Facet[], signal: AbortSignal): Promise<FacetValue[][]> {
  const compiled = await Promise.all(
    chipsOf(view.filter()).map(async (chip): Promise<CompiledChip | null> => {
      const found = await compileFilter(chip)
      return 'problem' in found || found.where === null ? null : { chip, where: found.where }
    }),
  )
  const range = bounds(view.range(), view.until() ?? now())
  const selection = { ...range, where: view.signalsWhere() }
  const chips = compiled.filter((chip) => chip !== null)
  return facetValues(facets, await askRows(facetsSql(facets, selection, chips), [], signal))
}

function FacetGroup(props: {
  readonly facet: Facet
  readonly values: readonly FacetValue[]
  readonly isFirst: boolean
}) {
  const most = () => Math.max(1, ...props.values.map(({ value, events }) => (value === null ? 0 : events)))
  const eventsOf = (wanted: string | null) => props.values.find(({ value }) => value === wanted)?.events ?? 0
  return (
    <section class="facet" aria-label={props.facet.title}>
      <h2 title={props.facet.operand}>{props.facet.title}</h2>
      <For each={props.values.map(({ value }) => value)}>
        {(value, at) => (
          <Value
            facet={props.facet}
            value={value}
            events={eventsOf(value)}
            share={value === null ? 0 : eventsOf(value) / most()}
            isFirst={props.isFirst && at() === 0}
          />
        )}
      </For>
      <Show when={props.values.length === VALUES_SHOWN}>
        <p class="facet-more">the {VALUES_SHOWN} most frequent</p>
      </Show>
    </section>
  )
}

function Value(props: {
  readonly facet: Facet
  readonly value: string | null
  readonly events: number
  /** Of the most frequent one. */
  readonly share: number
  readonly isFirst: boolean
}) {
  const conditions = createMemo(() => conditionsOf(props.facet.operand, typed(props.facet, props.value)))
  const chips = createMemo(() => chipsOf(view.filter()))
  const has = (chip: string) => chips().some((each) => isSameChip(each, chip))
  const isOnly = () => has(conditions().only)
  const isWithout = () => has(conditions().without)
  const toggle = (chip: string) => {
    if (has(chip)) view.setFilter(chips().filter((each) => !isSameChip(each, chip)))
    else view.addChip(chip)
  }
  const words = () => (props.value === null ? 'none' : props.value === '' ? 'empty' : props.value)
  const look = () => {
    if (props.facet.operand === SERVICE && props.value !== null) return `svc ${serviceClass(props.value)}`
    return props.facet.operand === 'level' ? `level-${severityOf({ level: props.value ?? '' })}` : ''
  }
  return (
    <div class="facet-value" classList={{ on: isOnly(), without: isWithout(), none: props.value === null }}>
      <i class="facet-bar" style={{ width: `${props.share * 100}%` }} />
      <button
        type="button"
        class="facet-only"
        tabIndex={props.isFirst ? 0 : -1}
        aria-pressed={isOnly()}
        title={`${words()}\nOnly this (f); without it (x)`}
        onClick={() => toggle(conditions().only)}
        {...focusable(conditions)}
      >
        <span class={`data cut ${look()}`}>{words()}</span>
        <span class="num">{count(props.events)}</span>
      </button>
      <button
        type="button"
        class="facet-without"
        tabIndex={-1}
        aria-pressed={isWithout()}
        aria-label={`Without ${words()}`}
        title="Without it"
        onClick={() => toggle(conditions().without)}
      >
        not
      </button>
    </div>
  )
}

/** The value as its column has it: counts come as text. */
function typed({ operand }: Facet, value: string | null): unknown {
  const type = tableColumns.find(({ name }) => name === operand)?.type
  if (value === null || type === undefined) return value
  if (type === 'boolean') return value === 'true'
  return type === 'integer' || type === 'bigint' ? BigInt(value) : value
}
