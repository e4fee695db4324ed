/** Every key that works here, on `?`. */
import { For } from 'solid-js'
import { allKeys } from './keyboard.ts'

let dialog: HTMLDialogElement | undefined

export function showKeys(): void {
  if (dialog?.open) dialog.close()
  else dialog?.showModal()
}

export function KeysDialog() {
  return (
    <dialog
      class="keys"
      ref={dialog}
      aria-labelledby="keys-title"
      onClick={({ target }) => target === dialog && dialog?.close()}
    >
      <div class="keys-body">
        <h2 id="keys-title">Keys on this page</h2>
        <dl>
          <For each={allKeys().filter(({ hidden }) => !hidden)}>
            {({ keys, does }) => (
              <div>
                <dt>
                  <For each={keys.split(' ')}>{(key) => <kbd class="kbd">{shownKey(key)}</kbd>}</For>
                </dt>
                <dd>{does}</dd>
              </div>
            )}
          </For>
        </dl>
        <form method="dialog">
          <button type="submit" class="btn sm">
            Close <kbd class="kbd">Esc</kbd>
          </button>
        </form>
      </div>
    </dialog>
  )
}

const SIGNS: Readonly<Record<string, string>> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
}

/** A key as its cap says it. */
export function shownKey(key: string): string {
  return key
    .split('+')
    .map((part) => SIGNS[part] ?? part)
    .join(' ')
}
