/** The list: only the rows in sight are in the document, whatever it holds. */
import { createEffect, createMemo, createSignal, Index, on, onCleanup, onMount } from 'solid-js'
import type { ListedEvent } from './event.ts'
import { ListRow, type RowActions } from './row.tsx'
import type { Stream } from './stream.ts'

const ROW_PX = 24
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
  readonly actions: RowActions
  readonly control: (control: ListControl) => void
  readonly onScrolledUp: () => void
  readonly onReachedEnd: () => void
}) {
  let scroller!: HTMLDivElement
  const [top, setTop] = createSignal(0)
  const [height, setHeight] = createSignal(600)
  const total = createMemo(() => props.stream.feed().items.length)
  const first = createMemo(() => Math.max(0, Math.floor(top() / ROW_PX) - OVERSCAN_ROWS))
  const visible = createMemo(() => {
    const count = Math.ceil(height() / ROW_PX) + 2 * OVERSCAN_ROWS
    return props.stream.feed().items.slice(first(), first() + count)
  })

  const scrollTo = (px: number) => {
    const to = Math.max(0, Math.min(px, total() * ROW_PX - height()))
    scroller.scrollTop = to
    setTop(to)
  }
  const toEnd = () => scrollTo(total() * ROW_PX)

  // Follow: the end stays in sight, in the same frame in which rows were added.
  createEffect(
    on([props.stream.version, height], () => {
      if (props.stream.feed().following) toEnd()
    }),
  )
  // A list that does not follow begins at its end, too.
  createEffect(on(() => props.stream.feed().items, toEnd))

  async function older(): Promise<void> {
    const added = await props.stream.loadOlder()
    if (added === 0) return
    // The rows under the eye stay where they are.
    props.stream.changed()
    scrollTo(top() + added * ROW_PX)
  }

  function scrolled(): void {
    const before = top()
    const now = scroller.scrollTop
    setTop(now)
    const end = total() * ROW_PX - height()
    const { following } = props.stream.feed()
    if (following && now < before && now < end - ROW_PX) props.onScrolledUp()
    else if (!following && now > before && now >= end - 2) props.onReachedEnd()
    if (!props.stream.feed().following && now < OLDER_AT_ROWS * ROW_PX) void older()
  }

  onMount(() => {
    const observer = new ResizeObserver(([entry]) => setHeight(entry.contentRect.height - HEAD_PX))
    observer.observe(scroller)
    onCleanup(() => observer.disconnect())
    props.control({
      page: () => Math.floor(height() / ROW_PX) - 1,
      reveal(index) {
        const at = index * ROW_PX
        if (at < top()) scrollTo(at)
        else if (at + ROW_PX > top() + height()) scrollTo(at + ROW_PX - height())
      },
    })
  })

  return (
    <div
      class="grid"
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label="Events, oldest first"
      aria-rowcount={total() + 1}
      aria-busy={props.stream.loading()}
      aria-activedescendant={props.selectedId === null ? undefined : `row-${props.selectedId}`}
      onScroll={scrolled}
      onWheel={({ deltaY }) => deltaY < 0 && top() > 0 && props.onScrolledUp()}
    >
      <div class="head" role="row" aria-rowindex={1}>
        <span role="columnheader">Time, UTC</span>
        <span role="columnheader">Level</span>
        <span role="columnheader">Service</span>
        <span role="columnheader">Kind</span>
        <span role="columnheader">Name or message</span>
        <span role="columnheader" class="num">
          Duration
        </span>
      </div>
      <div class="rows" role="rowgroup" style={{ height: `${total() * ROW_PX}px` }}>
        <div class="rows-window" role="presentation" style={{ transform: `translateY(${first() * ROW_PX}px)` }}>
          <Index each={visible()}>
            {(item, at) => (
              <ListRow
                item={item()}
                index={first() + at}
                selected={props.selectedId !== null && (item() as ListedEvent).id === props.selectedId}
                actions={props.actions}
              />
            )}
          </Index>
        </div>
      </div>
    </div>
  )
}
