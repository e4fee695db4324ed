/** The list: only the rows in sight are in the document, whatever it holds. */
import { createComputed, createEffect, createMemo, createSignal, Index, on, onCleanup, onMount } from 'solid-js'
import { leastPx, messagePx, template, type Widths, widthsOf } from './column_widths.ts'
import type { ListedEvent } from './event.ts'
import { type Item, isMark } from './feed.ts'
import { ListHead } from './list_head.tsx'
import { ListRow, type RowActions } from './row.tsx'
import { evenLayout, linesOf, type RowLayout, textWidth, unevenLayout } from './row_layout.ts'
import type { Stream } from './stream.ts'
import { columns, wraps } from './view.ts'

const ROW_PX = 24
/** Of each line after the first in a row that wraps. */
const LINE_PX = 18
const MAX_LINES = 12
/** The head stays at the top, over the first rows. */
const HEAD_PX = 26
const OVERSCAN_ROWS = 6
/** How near to the top older rows are asked for. */
const OLDER_AT_ROWS = 60

export interface ListControl {
  /** Brings a row into sight. */
  reveal(index: number): void
  /** How many rows fit. */
  page(): number
}

export function EventList(props: {
  readonly stream: Stream
  readonly selectedId: string | null
  /** The column of the cell cursor in the selected row; -1 for none. */
  readonly cell: number
  readonly actions: RowActions
  readonly control: (control: ListControl) => void
  readonly announce: (sentence: string) => void
  readonly onScrolledUp: () => void
  readonly onReachedEnd: () => void
}) {
  let scroller!: HTMLDivElement
  const [top, setTop] = createSignal(0)
  const [height, setHeight] = createSignal(600)
  const [width, setWidth] = createSignal(1_000)
  const [characterPx, setCharacterPx] = createSignal(7)
  const [widths, setWidths] = createSignal<Widths>(new Map())
  /** The row at the top, or that the last is in sight: so it stays when rows begin or cease to wrap. */
  let topRow = 0
  let wasAtEnd = true
  const items = () => props.stream.feed().items
  const total = createMemo(() => items().length)

  const ownColumn = createMemo(() => new Set(columns().map(({ keys }) => keys.join('.'))))
  /** Measured once for each event, anew when attributes get columns of their own. */
  const characters = createMemo(() => {
    const own = ownColumn()
    const measured = new WeakMap<ListedEvent, number>()
    return (event: ListedEvent): number => {
      const known = measured.get(event) ?? charactersOf(event, own)
      measured.set(event, known)
      return known
    }
  })
  const heightOf = (item: Item, perLine: number) =>
    isMark(item) ? ROW_PX : ROW_PX + (linesOf(characters()(item), perLine, MAX_LINES) - 1) * LINE_PX

  const layout = createMemo<RowLayout>(() => {
    if (!wraps()) return evenLayout(total(), ROW_PX)
    const perLine = Math.floor(messagePx(columns(), widths(), width()) / characterPx())
    return unevenLayout(items().map((item) => heightOf(item, perLine)))
  })
  const first = createMemo(() => Math.max(0, layout().indexAt(top()) - OVERSCAN_ROWS))
  const visible = createMemo(() => {
    const last = Math.min(total() - 1, layout().indexAt(top() + height()) + OVERSCAN_ROWS)
    return items().slice(first(), last + 1)
  })
  const heightAt = (index: number) => layout().topOf(index + 1) - layout().topOf(index)
  // Heights of wrapped rows follow from widths, and widths from the rows in sight: it ends because widths only grow.
  createComputed(() => {
    const events = visible().filter(isEvent)
    setWidths((before) => widthsOf(columns(), events, characterPx(), before))
  })

  const remember = (px: number) => {
    setTop(px)
    topRow = layout().indexAt(px)
    wasAtEnd = px >= layout().height - height() - 2
  }
  const scrollTo = (px: number) => {
    const to = Math.max(0, Math.min(px, layout().height - height()))
    scroller.scrollTop = to
    remember(to)
  }
  const toEnd = () => scrollTo(layout().height)

  // Follow: the end stays in sight, in the same frame in which rows were added.
  createEffect(
    on([props.stream.version, height, wraps], () => {
      if (props.stream.feed().following) toEnd()
    }),
  )
  // A list that does not follow begins at its end, too.
  createEffect(on(items, toEnd))
  createEffect(on(wraps, () => (wasAtEnd ? toEnd() : scrollTo(layout().topOf(topRow))), { defer: true }))

  async function older(): Promise<void> {
    const added = await props.stream.loadOlder()
    if (added === 0) return
    // The rows under the eye stay where they are.
    props.stream.changed()
    scrollTo(top() + layout().topOf(added))
  }

  function scrolled(): void {
    const before = top()
    const now = scroller.scrollTop
    remember(now)
    const end = layout().height - height()
    const { following } = props.stream.feed()
    if (following && now < before && now < end - ROW_PX) props.onScrolledUp()
    else if (!following && now > before && now >= end - 2) props.onReachedEnd()
    if (!props.stream.feed().following && now < OLDER_AT_ROWS * ROW_PX) void older()
  }

  onMount(() => {
    setCharacterPx(widthOfCharacter(scroller))
    const observer = new ResizeObserver(([entry]) => {
      setHeight(entry.contentRect.height - HEAD_PX)
      setWidth(entry.contentRect.width)
    })
    observer.observe(scroller)
    onCleanup(() => observer.disconnect())
    props.control({
      page: () => Math.floor(height() / ROW_PX) - 1,
      reveal(index) {
        const [from, to] = [layout().topOf(index), layout().topOf(index + 1)]
        if (from < top()) scrollTo(from)
        else if (to > top() + height()) scrollTo(to - height())
      },
    })
  })

  return (
    <div
      class="grid"
      classList={{ wraps: wraps() }}
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label="Events, oldest first"
      aria-rowcount={total() + 1}
      aria-colcount={columns().length}
      aria-busy={props.stream.loading()}
      aria-activedescendant={active(props.selectedId, props.cell)}
      style={{
        '--columns': template(columns(), widths()),
        '--columns-px': `${leastPx(columns(), widths())}px`,
      }}
      onScroll={scrolled}
      onWheel={({ deltaY }) => deltaY < 0 && top() > 0 && props.stream.feed().following && props.onScrolledUp()}
    >
      <ListHead announce={props.announce} />
      <div class="rows" role="rowgroup" style={{ height: `${layout().height}px` }}>
        <div class="rows-window" role="presentation" style={{ transform: `translateY(${layout().topOf(first())}px)` }}>
          <Index each={visible()}>
            {(item, at) => {
              const selected = () => props.selectedId !== null && (item() as ListedEvent).id === props.selectedId
              return (
                <ListRow
                  item={item()}
                  index={first() + at}
                  selected={selected()}
                  columns={columns()}
                  ownColumn={ownColumn()}
                  cell={selected() ? props.cell : -1}
                  heightPx={wraps() ? heightAt(first() + at) : undefined}
                  actions={props.actions}
                />
              )
            }}
          </Index>
        </div>
      </div>
    </div>
  )
}

const isEvent = (item: Item): item is ListedEvent => !isMark(item)

function active(id: string | null, cell: number): string | undefined {
  if (id === null) return undefined
  return cell < 0 ? `row-${id}` : `cell-${id}`
}

/** Characters of a message with the attributes behind it. */
function charactersOf({ title, pairs }: ListedEvent, ownColumn: ReadonlySet<string>): number {
  return pairs.reduce(
    (sum, [key, value]) => (ownColumn.has(key) ? sum : sum + key.length + textWidth(value) + 2),
    textWidth(title) + 2,
  )
}

/** All are of one width: data is set in a monospaced font. */
function widthOfCharacter(element: HTMLElement): number {
  const context = document.createElement('canvas').getContext('2d')!
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(element)
  context.font = `${fontWeight} ${fontSize} ${fontFamily}`
  return context.measureText('0'.repeat(100)).width / 100
}
