/** The filter box: one condition shown as chips. Enter keeps a chip, Backspace opens the last as text. */
import { createEffect, createSignal, For, on, onCleanup, Show } from 'solid-js'
import { isAbort } from '../api/ask.ts'
import { Icon } from '../shell/icons.tsx'
import { chipsOf, chipWords, isExclusion } from './chips.ts'
import { columnOffers, type Offer, recognised, valueOffers } from './completion.ts'
import { compileFilter, type FilterProblem } from './filter.ts'
import type { Selection } from './statements.ts'
import { filter, off, setFilter } from './view.ts'

const CHECK_AFTER_MS = 150

export function FilterBox(props: {
  readonly selection: Selection | null
  readonly input: (input: HTMLInputElement) => void
}) {
  const [draft, setDraft] = createSignal('')
  const [problem, setProblem] = createSignal<FilterProblem | null>(null)
  const [offers, setOffers] = createSignal<readonly Offer[]>([])
  const [chosen, setChosen] = createSignal(-1)
  let input!: HTMLInputElement
  const chips = () => chipsOf(filter())

  // Completes and checks what is typed, a moment after the last key.
  createEffect(
    on(draft, (text) => {
      const stale = new AbortController()
      const timer = setTimeout(() => void offer(text, stale.signal), CHECK_AFTER_MS)
      onCleanup(() => {
        clearTimeout(timer)
        stale.abort()
      })
    }),
  )
  async function offer(text: string, signal: AbortSignal): Promise<void> {
    if (text === '' || document.activeElement !== input) return void setOffers([])
    try {
      const values = props.selection === null ? [] : await valueOffers(text, props.selection, signal)
      if (signal.aborted) return
      setOffers(values.length > 0 ? values : columnOffers(text))
      setChosen(-1)
    } catch (error) {
      if (!isAbort(error)) setOffers([])
    }
  }

  const type = (text: string) => {
    setDraft(text)
    setProblem(null)
  }
  const take = (offered: Offer) => {
    type(draft().slice(0, offered.from) + offered.insert)
    setOffers([])
    input.focus()
  }

  async function keep(): Promise<void> {
    const text = recognised(draft()) ?? draft().trim()
    if (text === '') return
    const compiled = await compileFilter(text)
    if ('problem' in compiled) return void setProblem(compiled.problem)
    setFilter([...chips(), ...chipsOf(text)])
    type('')
    setOffers([])
  }

  const edit = (at: number) => {
    type(chips()[at])
    setFilter(chips().toSpliced(at, 1))
    input.focus()
  }

  function key(event: KeyboardEvent): void {
    const list = offers()
    if (event.key === 'Enter' && event.altKey && chips().length > 0) switchOff(chips().length - 1)
    else if (event.key === 'Enter') chosen() >= 0 ? take(list[chosen()]) : void keep()
    else if (event.key === 'Tab' && !event.shiftKey && list.length > 0 && draft() !== '')
      take(list[Math.max(0, chosen())])
    else if (event.key === 'Backspace' && draft() === '' && chips().length > 0) edit(chips().length - 1)
    else if (event.key === 'ArrowDown' && list.length > 0) setChosen((chosen() + 1) % list.length)
    else if (event.key === 'ArrowUp' && list.length > 0) setChosen((chosen() - 1 + list.length) % list.length)
    else if (event.key === 'Escape') list.length > 0 ? setOffers([]) : input.blur()
    else return
    event.preventDefault()
  }
  const switchOff = (at: number) => setFilter(chips().toSpliced(at, 1), [...off(), chips()[at]])
  const switchOn = (chip: string) =>
    setFilter(
      [...chips(), chip],
      off().filter((each) => each !== chip),
    )

  return (
    <div class="filters">
      <div
        class="filter"
        classList={{ bad: problem() !== null }}
        onClick={({ target, currentTarget }) => target === currentTarget && input.focus()}
      >
        <Icon name="search" />
        <For each={chips()}>
          {(chip, at) => (
            <span class="chip" classList={{ not: isExclusion(chip) }}>
              <button
                type="button"
                class="chip-text"
                title={`${chip}\nClick to edit, Alt Enter or Alt click switches it off`}
                onClick={({ altKey }) => (altKey ? switchOff(at()) : edit(at()))}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || !event.altKey) return
                  event.preventDefault()
                  switchOff(at())
                }}
              >
                <Show when={chipWords(chip).not}>
                  <i>not </i>
                </Show>
                <ChipText text={chipWords(chip).text} />
              </button>
              <button
                type="button"
                class="chip-x"
                aria-label={`Remove ${chip}`}
                onClick={() => setFilter(chips().toSpliced(at(), 1))}
              >
                <Icon name="close" />
              </button>
            </span>
          )}
        </For>
        <For each={off()}>
          {(chip) => (
            <span class="chip off">
              <button
                type="button"
                class="chip-text"
                title="Switched off: click to switch on"
                onClick={() => switchOn(chip)}
              >
                {chip}
              </button>
              <button
                type="button"
                class="chip-x"
                aria-label={`Remove ${chip}`}
                onClick={() =>
                  setFilter(
                    chips(),
                    off().filter((each) => each !== chip),
                  )
                }
              >
                <Icon name="close" />
              </button>
            </span>
          )}
        </For>
        <span class="typing-place">
          <span class="typing-mirror" aria-hidden="true">
            {draft().slice(0, problem()?.at ?? 0)}
            <Show when={problem()}>
              {(wrong) => <span class="wavy">{draft().slice(wrong().at, wrong().at + wrong().length) || ' '}</span>}
            </Show>
          </span>
          <input
            ref={(element) => {
              input = element
              props.input(element)
            }}
            class="typing"
            aria-label="Filter"
            role="combobox"
            aria-expanded={offers().length > 0}
            aria-controls="filter-offers"
            aria-autocomplete="list"
            aria-activedescendant={chosen() >= 0 ? `offer-${chosen()}` : undefined}
            aria-invalid={problem() !== null}
            aria-describedby="filter-note"
            spellcheck={false}
            autocomplete="off"
            placeholder={
              chips().length + off().length === 0
                ? "level = 'ERROR', name LIKE 'POST %', attributes->>'http.route' = '/cart', or \"a phrase\""
                : ''
            }
            value={draft()}
            onInput={({ currentTarget }) => type(currentTarget.value)}
            onKeyDown={key}
            onBlur={() => setOffers([])}
          />
        </span>
        <kbd class="kbd" title="Press / to filter">
          /
        </kbd>
        <Show when={offers().length > 0}>
          <Offers offers={offers()} chosen={chosen()} take={take} />
        </Show>
      </div>
      <div id="filter-note" aria-live="polite">
        <Show when={problem()}>
          {(wrong) => (
            <div class="fieldnote">
              <span class="err">{wrong().message}.</span>
              <Show when={filter() !== ''}> The list still shows the last condition that worked.</Show>
            </div>
          )}
        </Show>
      </div>
    </div>
  )
}

/** `column operator value`, the operator dimmed. */
function ChipText(props: { readonly text: string }) {
  const parts = () => /^([\w.]+(?:->>?'[^']*')*)\s*([<>=~!]+|\bI?LIKE\b)\s*(.*)$/is.exec(props.text)
  return (
    <Show when={parts()} fallback={props.text}>
      {(found) => (
        <>
          <em>{found()[1]}</em> <i>{found()[2]}</i> {found()[3]}
        </>
      )}
    </Show>
  )
}

function Offers(props: {
  readonly offers: readonly Offer[]
  readonly chosen: number
  readonly take: (offer: Offer) => void
}) {
  return (
    <div class="offers" id="filter-offers" role="listbox" aria-label="Completions">
      <For each={props.offers}>
        {(offer, at) => (
          <div
            class="offer"
            role="option"
            id={`offer-${at()}`}
            tabindex={-1}
            aria-selected={at() === props.chosen}
            onMouseDown={(event) => {
              event.preventDefault()
              props.take(offer)
            }}
          >
            <span class="data cut">{offer.label}</span>
            <span class="q num">{offer.detail}</span>
          </div>
        )}
      </For>
    </div>
  )
}
