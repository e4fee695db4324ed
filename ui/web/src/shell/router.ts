/** Where we are: the URL holds the whole view, so that a link shows what its sender saw. */
import { createSignal } from 'solid-js'

// Without the fragment: what stands there (a sign-in code) is no part of a view.
const [place, setPlace] = createSignal(new URL(location.pathname + location.search, location.origin))
window.addEventListener('popstate', () => setPlace(new URL(location.href)))

export const path = (): string => place().pathname
/** A value of the query string, `null` where it is not there. */
export const param = (name: string): string | null => place().searchParams.get(name)
export const params = (name: string): string[] => place().searchParams.getAll(name)

/** A step that Back undoes. */
export function navigate(to: string): void {
  history.pushState(null, '', to)
  setPlace(new URL(location.href))
}

export type ParamChanges = Readonly<Record<string, string | readonly string[] | null>>

/**
 * Changes values of the query string; `null` and empty lists take one away.
 * @param step whether Back undoes it: no for what changes by itself (pausing, moving the selection)
 */
export function setParams(changes: ParamChanges, step = true): void {
  const next = withParams(place(), changes)
  if (next.href === place().href) return
  if (step) history.pushState(null, '', next)
  else history.replaceState(null, '', next)
  setPlace(next)
}

function withParams(from: URL, changes: ParamChanges): URL {
  const next = new URL(from)
  for (const [name, value] of Object.entries(changes)) {
    next.searchParams.delete(name)
    for (const item of value === null ? [] : [value].flat()) next.searchParams.append(name, item)
  }
  return next
}

/** The path of another page with these values. */
export function linkTo(pathname: string, changes: ParamChanges = {}): string {
  const { pathname: to, search } = withParams(new URL(pathname, location.origin), changes)
  return to + search
}
