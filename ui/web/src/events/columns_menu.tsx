/** Which columns the list has: added by typing, taken elsewhere, taken away. */
import { createResource, createSignal, For, onCleanup, onMount, Show } from 'solid-js'
import { Icon } from '../shell/icons.tsx'
import { type ColumnOffer, columnsLike, readColumnOffers } from './column_offers.ts'
import { columnNamed, isUsual, MAX_COLUMNS, moved, withColumn } from './columns.ts'
import { columns as tableColumns } from './filter.ts'
import type { Selection } from './statements.ts'
import { columns, setColumns, setWraps, wraps } from './view.ts'

export function ColumnsMenu(props: {
  readonly open: boolean
  readonly setOpen: (open: boolean) => void
  readonly selection: Selection | null
}) {
  let box!: HTMLDivElement
  const leave = (event: FocusEvent) => {
    if (event.relatedTarget !== null && !box.contains(event.relatedTarget as Node)) props.setOpen(false)
  }
  const outside = (event: PointerEvent) => {
    if (!box.contains(event.target as Node)) props.setOpen(false)
  }
  onMount(() => {
    document.addEventListener('pointerdown', outside)
    onCleanup(() => document.removeEventListener('pointerdown', outside))
  })
  return (
    <div
      class="menu-place"
      ref={box}
      onFocusOut={leave}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented || !props.open) return
        event.preventDefault()
        props.setOpen(false)
        box.querySelector('button')?.focus()
      }}
    >
      <button
        type="button"
        class="btn quiet"
        aria-expanded={props.open}
        aria-haspopup="dialog"
        title="Columns (.)"
        onClick={() => props.setOpen(!props.open)}
      >
        <Icon name="columns" /> <span class="wide-only">Columns</span>
      </button>
      <Show when={props.open}>
        <Menu selection={props.selection} />
      </Show>
    </div>
  )
}

function Menu(props: { readonly selection: Selection | null }) {
  const [typed, setTyped] = createSignal('')
  const [chosen, setChosen] = createSignal(0)
  const [problem, setProblem] = createSignal<string | null>(null)
  const [drag, setDrag] = createSignal<number | null>(null)
  const [known] = createResource(
    () => props.selection,
    (selection) => readColumnOffers(selection).catch((): ColumnOffer[] => []),
  )
  const names = () => columns().map(({ name }) => name)
  const offers = () => columnsLike(typed(), known.latest ?? [], names())
  let input!: HTMLInputElement
  onMount(() => input.focus())

  const add = (name: string) => {
    if (columnNamed(name, tableColumns) === null) return void setProblem(`There is no column ${name}.`)
    if (names().length >= MAX_COLUMNS) return void setProblem(`A list has at most ${MAX_COLUMNS} columns.`)
    if (!names().includes(name)) setColumns(withColumn(names(), name))
    setTyped('')
    setChosen(0)
    setProblem(null)
    input.focus()
  }
  function key(event: KeyboardEvent): void {
    const list = offers()
    if (event.key === 'Enter') add(list[chosen()]?.name ?? typed().trim())
    else if (event.key === 'ArrowDown') setChosen(Math.min(list.length - 1, chosen() + 1))
    else if (event.key === 'ArrowUp') setChosen(Math.max(0, chosen() - 1))
    else if (event.key === 'Escape' && typed() !== '') setTyped('')
    else return
    event.preventDefault()
  }

  return (
    <div class="menu columns-menu" role="dialog" aria-label="Columns">
      <input
        ref={input}
        class="field data"
        classList={{ bad: problem() !== null }}
        role="combobox"
        aria-label="Add a column"
        aria-expanded="true"
        aria-controls="column-offers"
        aria-activedescendant={offers().length > 0 ? `column-offer-${chosen()}` : undefined}
        aria-describedby="column-note"
        aria-invalid={problem() !== null}
        placeholder="Add a column: http.route, parent_id …"
        spellcheck={false}
        autocomplete="off"
        value={typed()}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value)
          setChosen(0)
          setProblem(null)
        }}
        onKeyDown={key}
      />
      <p class="menu-note err" id="column-note" aria-live="polite">
        {problem()}
      </p>
      <div class="menu-offers" id="column-offers" role="listbox" aria-label="Columns to add">
        <For each={offers()}>
          {(offer, at) => (
            <div
              class="offer"
              role="option"
              id={`column-offer-${at()}`}
              tabindex={-1}
              aria-selected={at() === chosen()}
              title={offer.name}
              onMouseDown={(event) => {
                event.preventDefault()
                add(offer.name)
              }}
            >
              <span class="data cut">{offer.title}</span>
              <span class="q num">{offer.detail}</span>
            </div>
          )}
        </For>
      </div>
      <h2 class="menu-title">Shown, in this order</h2>
      <ol class="menu-columns">
        <For each={columns()}>
          {(column, at) => (
            <li
              draggable="true"
              classList={{ dragged: drag() === at() }}
              onDragStart={(event) => {
                event.dataTransfer!.setData('text/plain', column.name)
                setDrag(at())
              }}
              onDragOver={(event) => event.preventDefault()}
              onDrop={(event) => {
                event.preventDefault()
                const from = drag()
                if (from !== null) setColumns(moved(names(), from, at()))
              }}
              onDragEnd={() => setDrag(null)}
            >
              <span class="cut" classList={{ data: !isUsual(column.name) }} title={column.name}>
                {column.title}
              </span>
              <button
                type="button"
                class="icon-btn"
                aria-label={`${column.title}: to the left`}
                disabled={at() === 0}
                onClick={() => setColumns(moved(names(), at(), at() - 1))}
              >
                ↑
              </button>
              <button
                type="button"
                class="icon-btn"
                aria-label={`${column.title}: to the right`}
                disabled={at() === columns().length - 1}
                onClick={() => setColumns(moved(names(), at(), at() + 1))}
              >
                ↓
              </button>
              <button
                type="button"
                class="icon-btn"
                aria-label={`Remove ${column.title}`}
                disabled={columns().length === 1}
                onClick={() => setColumns(names().toSpliced(at(), 1))}
              >
                <Icon name="close" />
              </button>
            </li>
          )}
        </For>
      </ol>
      <div class="menu-foot">
        <button type="button" class="btn sm" aria-pressed={wraps()} onClick={() => setWraps(!wraps())}>
          Wrap long lines <kbd class="kbd">w</kbd>
        </button>
        <button type="button" class="btn sm quiet" onClick={() => setColumns([])}>
          As it was
        </button>
      </div>
    </div>
  )
}
