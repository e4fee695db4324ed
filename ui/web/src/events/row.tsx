/** One line of the list. Its elements stay and their texts change: at 2,000 rows a second nothing is made anew. */
import { For, Index, type JSX, Show } from 'solid-js'
import { count, duration } from '../format/numbers.ts'
import { clock, clockMs } from '../format/time.ts'
import { moreText } from './cells.ts'
import { type Column, isNumber, SERVICE } from './columns.ts'
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
  readonly columns: readonly Column[]
  /** Attributes that have a column of their own are not said twice. */
  readonly ownColumn: ReadonlySet<string>
  /** The column of the cell cursor, from 0; -1 where it is in another row or in none. */
  readonly cell: number
  /** Only where rows wrap. */
  readonly heightPx: number | undefined
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
          style={{ height: props.heightPx === undefined ? undefined : `${props.heightPx}px` }}
          role="row"
          id={`row-${event().id}`}
          aria-rowindex={props.index + 2}
          aria-selected={props.selected}
          onClick={() => props.actions.open(event())}
        >
          <For each={props.columns}>
            {(column, at) => (
              <Cell
                column={column}
                event={event()}
                ownColumn={props.ownColumn}
                id={props.cell === at() ? `cell-${event().id}` : undefined}
              />
            )}
          </For>
        </div>
      )}
    </Show>
  )
}

interface CellProps {
  readonly column: Column
  readonly event: ListedEvent
  readonly ownColumn: ReadonlySet<string>
  /** Of the cell under the cursor. */
  readonly id: string | undefined
}

/** What is in the cells that the list knows how to draw; the others show their text. */
const DRAWN: Readonly<Record<string, (props: CellProps) => JSX.Element>> = {
  timestamp: (props) => (
    <>
      {clock(props.event.at)}
      <i>{`.${String(props.event.at % 1000).padStart(3, '0')}`}</i>
    </>
  ),
  level: (props) => props.event.level,
  [SERVICE]: (props) => props.event.service,
  kind: (props) => props.event.kind,
  message: (props) => (
    <>
      <b>{props.event.title}</b>
      <Index each={props.event.pairs.filter(([key]) => !props.ownColumn.has(key))}>
        {(pair) => (
          <>
            <i>{`${pair()[0]}=`}</i>
            {`${pair()[1]} `}
          </>
        )}
      </Index>
    </>
  ),
  duration: (props) => (
    <Show when={props.event.durationMs !== null}>
      <i style={{ width: `${tickPx(props.event.durationMs!)}px` }} />
      <b classList={{ slow: props.event.durationMs! >= SLOW_MS }}>{duration(props.event.durationMs!)}</b>
    </Show>
  ),
}

const CLASSES: Readonly<Record<string, string>> = {
  timestamp: 't',
  level: 'l',
  kind: 'k',
  message: 'm cut',
  duration: 'dur',
}

function Cell(props: CellProps) {
  const { name } = props.column
  const draw = DRAWN[name] ?? (() => moreText(props.event, name))
  const classes = () =>
    name === SERVICE
      ? `svc cut ${serviceClass(props.event.service)}`
      : (CLASSES[name] ?? `v cut${isNumber(props.column) ? ' num' : ''}`)
  return (
    <span
      class={classes()}
      classList={{ cursor: props.id !== undefined }}
      id={props.id}
      role="gridcell"
      title={name === 'timestamp' ? props.event.timestamp : undefined}
    >
      {draw(props)}
    </span>
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
