/** The range in words and in absolute time; typed, or chosen from the usual ones. */
import { createSignal, For, Show } from 'solid-js'
import { bounds, dayAndClock, parseRange, rangeText, rangeWords, typedRange } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { Icon } from '../shell/icons.tsx'
import { isLive, range, setRange, until } from './view.ts'

const USUAL = ['-5m', '-15m', '-1h', '-6h', '-24h', '-7d']

export function RangePicker() {
  const [open, setOpen] = createSignal(false)
  const [wrong, setWrong] = createSignal(false)
  const ends = () => bounds(range(), until() ?? now())
  let box!: HTMLDivElement

  const choose = (text: string) => {
    const chosen = typedRange(text, now())
    setWrong(chosen === null)
    if (chosen === null) return
    setOpen(false)
    setRange(chosen)
  }
  const leave = (event: FocusEvent) => {
    if (!box.contains(event.relatedTarget as Node | null)) setOpen(false)
  }

  return (
    <div class="range" ref={box} onFocusOut={leave} onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
      <button type="button" class="time" aria-expanded={open()} aria-haspopup="dialog" onClick={() => setOpen(!open())}>
        <span class="dot" classList={{ off: !isLive() }} />
        {rangeWords(range())}
        {isLive() ? ', live' : ''}
        <span class="abs data">
          {dayAndClock(ends().from, now())} → {isLive() ? 'now' : dayAndClock(ends().to, now())}
        </span>
        <Icon name="chevron" />
      </button>
      <Show when={open()}>
        <div class="range-menu" role="dialog" aria-label="Time range">
          <For each={USUAL}>
            {(text) => (
              <button
                type="button"
                class="range-item"
                aria-pressed={rangeText(range()) === rangeText(parseRange(text)!)}
                onClick={() => choose(text)}
              >
                {rangeWords(parseRange(text)!)} <span class="q data">{text}</span>
              </button>
            )}
          </For>
          <form
            onSubmit={(event) => {
              event.preventDefault()
              choose((event.currentTarget.elements[0] as HTMLInputElement).value)
            }}
          >
            <label for="range-text">Any other, UTC</label>
            <input
              id="range-text"
              class="field data"
              classList={{ bad: wrong() }}
              value={rangeText(range())}
              spellcheck={false}
            />
            <span class="q">
              {wrong() ? 'Not a range. ' : ''}
              <code>-90m</code>, <code>14:28 to now</code>, <code>yesterday 9:00 to 9:30</code>, or two ISO times with a
              slash between.
            </span>
          </form>
        </div>
      </Show>
    </div>
  )
}
