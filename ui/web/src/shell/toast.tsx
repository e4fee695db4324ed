/** One sentence about what happened elsewhere (the clipboard): six seconds, bottom left. */
import { createSignal, Show } from 'solid-js'

const SHOWN_MS = 6_000

const [sentence, setSentence] = createSignal<string | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

export function say(text: string): void {
  clearTimeout(timer)
  setSentence(text)
  timer = setTimeout(() => setSentence(null), SHOWN_MS)
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
      <Show when={sentence()}>{(text) => <div class="toast">{text()}</div>}</Show>
    </div>
  )
}
