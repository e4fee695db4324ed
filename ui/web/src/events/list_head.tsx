/** The head of the list: columns are taken elsewhere by dragging or by arrow keys, and away with Delete. */
import { createSignal, For } from 'solid-js'
import { isNumber, moved } from './columns.ts'
import { columns, setColumns } from './view.ts'

export function ListHead(props: { readonly announce: (sentence: string) => void }) {
  /** Where the column that is being dragged came from, and where it would go. */
  const [drag, setDrag] = createSignal<{ readonly from: number; readonly to: number } | null>(null)
  let head!: HTMLDivElement

  const names = () => columns().map(({ name }) => name)
  const move = (from: number, to: number) => {
    if (to < 0 || to >= names().length || from === to) return
    const { title } = columns()[from]
    setColumns(moved(names(), from, to))
    focus(to)
    props.announce(`${title} is column ${to + 1} of ${names().length}`)
  }
  const remove = (at: number) => {
    if (names().length === 1) return
    props.announce(`${columns()[at].title} is no longer a column`)
    setColumns(names().toSpliced(at, 1))
    focus(Math.min(at, names().length - 1))
  }
  const focus = (at: number) => head.querySelectorAll('button')[at]?.focus()

  function key(event: KeyboardEvent, at: number): void {
    if (event.key === 'ArrowLeft') move(at, at - 1)
    else if (event.key === 'ArrowRight') move(at, at + 1)
    else if (event.key === 'Delete' || event.key === 'Backspace') remove(at)
    else return
    event.preventDefault()
  }

  return (
    <div class="head" role="row" aria-rowindex={1} ref={head}>
      <For each={columns()}>
        {(column, at) => (
          <span
            role="columnheader"
            classList={{ num: isNumber(column), over: drag()?.to === at() && drag()?.from !== at() }}
            onDragOver={(event) => {
              const from = drag()?.from
              if (from === undefined) return
              event.preventDefault()
              setDrag({ from, to: at() })
            }}
            onDrop={(event) => {
              event.preventDefault()
              const from = drag()?.from
              setDrag(null)
              if (from !== undefined) move(from, at())
            }}
          >
            <button
              type="button"
              class="head-name cut"
              draggable="true"
              title={`${column.name}\nDrag, or ← and →, to take it elsewhere; Delete takes it away`}
              onKeyDown={(event) => key(event, at())}
              onDragStart={(event) => {
                event.dataTransfer!.effectAllowed = 'move'
                event.dataTransfer!.setData('text/plain', column.name)
                setDrag({ from: at(), to: at() })
              }}
              onDragEnd={() => setDrag(null)}
            >
              {column.title}
            </button>
          </span>
        )}
      </For>
    </div>
  )
}
