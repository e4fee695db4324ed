/** Keys of the page. Pages add theirs while they are shown; the last added wins. */
import { createSignal, onCleanup } from 'solid-js'

export interface Key {
  /** `j`, `Escape`, `Shift+Z`, or two after one another: `g l`. */
  readonly keys: string
  readonly does: string
  /** Not shown in the list of keys: another spelling of one that is. */
  readonly hidden?: boolean
  /** Returns false where it does not apply now: others may have the key then. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most keys just do something
  run(): boolean | undefined | void
}

const SEQUENCE_TIMEOUT_MS = 1_200

const [layers, setLayers] = createSignal<readonly (readonly Key[])[]>([])
export const allKeys = (): readonly Key[] => layers().flat()

/** Adds keys for as long as the calling component is there. */
export function useKeys(keys: readonly Key[]): void {
  setLayers((before) => [...before, keys])
  onCleanup(() => setLayers((before) => before.filter((layer) => layer !== keys)))
}

let prefix = ''
let prefixAt = 0

/** `Shift` counts only where it makes no other character: `?` is typed with it. */
function nameOf(event: KeyboardEvent): string {
  const name = event.key === ' ' ? 'Space' : event.key
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : ''
  const shift = event.shiftKey && (name.length > 1 || /[A-Z]/.test(name)) ? 'Shift+' : ''
  return `${control}${event.altKey ? 'Alt+' : ''}${shift}${name}`
}

function isTyping(target: EventTarget | undefined): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable="true"]') !== null
}

function handle(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const name = nameOf(event)
  // The editor lives in a shadow tree: what the event says itself is only its host.
  const typing = isTyping(event.composedPath()[0])
  if (typing && !name.startsWith('Ctrl+')) return
  // Space and Enter belong to the focused control.
  const onControl = event.target instanceof HTMLElement && event.target.closest('button, a, summary') !== null
  if (onControl && (name === 'Enter' || name === 'Space')) return
  const sequence = prefix !== '' && event.timeStamp - prefixAt < SEQUENCE_TIMEOUT_MS ? `${prefix} ${name}` : name
  prefix = ''
  for (const layer of layers().toReversed()) {
    const key = layer.find((each) => each.keys === sequence)
    if (key !== undefined && key.run() !== false) {
      event.preventDefault()
      return
    }
  }
  if (allKeys().some(({ keys }) => keys.startsWith(`${name} `))) {
    prefix = name
    prefixAt = event.timeStamp
  }
}

export function listenToKeys(): void {
  document.addEventListener('keydown', handle)
}
