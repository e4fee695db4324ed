/** One sentence about what happened elsewhere (the clipboard), with undo where there is one: six seconds, bottom left. */
import { createSignal, Show } from 'solid-js'

const SHOWN_MS = 6_000

interface Said {
  readonly text: string
  readonly undo?: () => void
}

const [said, setSaid] = createSignal<Said | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

export function say(text: string, undo?: () => void): void {
  clearTimeout(timer)
  setSaid({ text, undo })
  timer = setTimeout(() => setSaid(null), SHOWN_MS)
}

/** Copies text and says so. @param what in the words of the sentence: `The SQL` */
export async function copy(what: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    say(`${what} is in the clipboard.`)
  } catch {
    say(`The browser did not let ${what.toLowerCase()} into the clipboard.`)
  }
}

export function Toast() {
  return (
    <div class="toast-place" role="status">
      <Show when={said()}>
        {(shown) => (
          <div class="toast">
            {shown().text}
            <Show when={shown().undo}>
              {(undo) => (
                <button
                  type="button"
                  class="link hi"
                  onClick={() => {
                    setSaid(null)
                    undo()()
                  }}
                >
                  Undo
                </button>
              )}
            </Show>
          </div>
        )}
      </Show>
    </div>
  )
}
