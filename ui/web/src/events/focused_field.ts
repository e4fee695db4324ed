/** The value that has the focus somewhere beside the list, in the drawer or among the facets: `f` and `x` are about it. */
import { createSignal, onCleanup } from 'solid-js'
import type { Conditions } from './cells.ts'

const [focused, setFocused] = createSignal<(() => Conditions) | null>(null)

export const focusedConditions = (): Conditions | null => focused()?.() ?? null

/** Handlers for the element that stands for a value, for as long as the calling component is there. */
export function focusable(conditions: () => Conditions) {
  const forget = () => setFocused((before) => (before === conditions ? null : before))
  onCleanup(forget)
  return { onFocusIn: () => void setFocused(() => conditions), onFocusOut: forget }
}
