/** One line of the list. Its elements stay and their texts change: at 2,000 rows a second nothing is made anew. */
import { Index, Show } from 'solid-js'
import { count, duration } from '../format/numbers.ts'
import { clock, clockMs } from '../format/time.ts'
import { type ListedEvent, severityOf } from './event.ts'
import { type Item, isMark, type Mark } from './feed.ts'
import { serviceClass } from './services.ts'

export interface RowActions {
  readonly open: (event: ListedEvent) => void
  readonly show: (from: number, to: number) => void
}

export function ListRow(props: {
  readonly item: Item
  readonly index: number
  readonly selected: boolean
  readonly actions: RowActions
}) {
  return (
    <Show
      when={!isMark(props.item) && (props.item as ListedEvent)}
      fallback={<MarkRow mark={props.item as Mark} index={props.index} show={props.actions.show} />}
    >
      {(event) => (
        <div
          class={`row ${severityOf(event())}`}
          classList={{ sel: props.selected }}
          role="row"
          id={`row-${event().id}`}
          aria-rowindex={props.index + 2}
          aria-selected={props.selected}
          onClick={() => props.actions.open(event())}
        >
          <span class="t" role="gridcell" title={event().timestamp}>
            {clock(event().at)}
            <i>{`.${String(event().at % 1000).padStart(3, '0')}`}</i>
          </span>
          <span class="l" role="gridcell">
            {event().level}
          </span>
          <span class={`svc cut ${serviceClass(event().service)}`} role="gridcell">
            {event().service}
          </span>
          <span class="k" role="gridcell">
            {event().kind}
          </span>
          <span class="m cut" role="gridcell">
            <b>{event().title}</b>
            <Index each={event().pairs}>
              {(pair) => (
                <>
                  <i>{`${pair()[0]}=`}</i>
                  {`${pair()[1]} `}
                </>
              )}
            </Index>
          </span>
          <span class="dur" role="gridcell">
            <Show when={event().durationMs !== null}>
              <i style={{ width: `${tickPx(event().durationMs!)}px` }} />
              <b classList={{ slow: event().durationMs! >= SLOW_MS }}>{duration(event().durationMs!)}</b>
            </Show>
          </span>
        </div>
      )}
    </Show>
  )
}

const SLOW_MS = 1_000
/** Log-scaled: 10 µs is nothing, 10 s is all of it. */
const tickPx = (ms: number) => Math.round(Math.min(1, Math.max(0, Math.log10(ms / 0.01) / 6)) * 47)

function MarkRow(props: { readonly mark: Mark; readonly index: number; readonly show: RowActions['show'] }) {
  const skipped = () => (props.mark.mark === 'skipped' ? props.mark : null)
  return (
    <div
      class="mark"
      classList={{ hand: skipped() === null, skip: skipped() !== null }}
      role="row"
      aria-rowindex={props.index + 2}
    >
      <Show
        when={skipped()}
        fallback={
          <span role="gridcell">
            stored history <b class="data">{clockMs(props.mark.at)}</b> live from here
          </span>
        }
      >
        {(mark) => (
          <span role="gridcell" class="skip-cell">
            <span>
              <b>{count(mark().count)} rows not drawn</b> between {clockMs(mark().at)} and {clockMs(mark().to)}: more
              came than a list can hold. All are stored.
            </span>
            <button type="button" class="link" onClick={() => props.show(mark().at, mark().to + 1)}>
              Show them
            </button>
          </span>
        )}
      </Show>
    </div>
  )
}
