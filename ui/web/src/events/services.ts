/** A colour for each service, in order of first appearance in the project; kept, so that a service keeps its own. */
import { createSignal } from 'solid-js'
import { session } from '../api/session.ts'

const COLOURS = 8
const [order, setOrder] = createSignal<ReadonlyMap<string, number>>(new Map())
let stored: string | null = null

const storageKey = () => `services:${session()?.project ?? ''}`

/** Class that sets `--c`: `svc-1` … `svc-8`, the last for every service from the eighth on. */
export function serviceClass(service: string): string {
  if (stored !== storageKey()) read()
  const known = order().get(service)
  if (known !== undefined) return `svc-${known}`
  const next = Math.min(COLOURS, order().size + 1)
  // Services past the palette share its last colour and need not be remembered.
  if (order().size < COLOURS - 1) queueMicrotask(() => remember(service))
  return `svc-${next}`
}

function remember(service: string): void {
  if (order().has(service) || order().size >= COLOURS - 1) return
  setOrder((before) => new Map([...before, [service, before.size + 1]]))
  localStorage.setItem(storageKey(), JSON.stringify([...order().keys()]))
}

function read(): void {
  stored = storageKey()
  const names = JSON.parse(localStorage.getItem(stored) ?? '[]') as string[]
  setOrder(new Map(names.slice(0, COLOURS - 1).map((name, at) => [name, at + 1])))
}
