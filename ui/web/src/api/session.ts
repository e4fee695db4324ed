/** Who is signed in. */
import { createSignal } from 'solid-js'
import type { SessionAnswer } from '#ui/server/web/session_route.ts'
import { fetchJson, Problem, postJson } from './problem.ts'

/** `undefined` until the server has said; `null` when nobody is signed in. */
const [session, setSession] = createSignal<SessionAnswer | null | undefined>(undefined)

export { session }

/** @throws Problem where the server cannot be asked */
export async function readSession(): Promise<void> {
  try {
    setSession((await signInByCode()) ?? (await fetchJson<SessionAnswer>('/v1/session')))
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 401) throw problem
    setSession(null)
  }
}

/** @throws Problem with the sentence to show */
export async function signIn(by: { readonly key: string } | { email: string; password: string }): Promise<void> {
  setSession(await postJson<SessionAnswer>('/v1/session', by))
}

/** Whether who is signed in has at least that role in the project. What is not shown is refused by the server anyway. */
export function mayAs(least: 'viewer' | 'editor' | 'admin' | 'operator'): boolean {
  const { role, operator } = session() ?? { role: null, operator: false }
  if (least === 'operator') return operator
  const ranks = ['viewer', 'editor', 'admin'] as const
  return role !== null && ranks.indexOf(role) >= ranks.indexOf(least)
}

/** Looks at another project: everything is read anew. @param to the page, by default this one @throws Problem */
export async function switchProject(project: string, to = placeElsewhere()): Promise<void> {
  await fetchJson('/v1/session', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ project }),
  })
  location.assign(to)
}

/** This page, where it means something in another project. */
const placeElsewhere = () => (location.pathname.startsWith('/trace/') ? '/traces' : location.pathname)

/** Another tab may have chosen another project: this one must not go on under the old name. */
export function watchSession(): () => void {
  const check = async () => {
    const shown = session()
    if (document.hidden || !shown) return
    const now = await fetchJson<SessionAnswer>('/v1/session').catch(() => null)
    if (now !== null && now.project !== shown.project) location.reload()
  }
  document.addEventListener('visibilitychange', check)
  return () => document.removeEventListener('visibilitychange', check)
}

/** Signs in with the one-time code in the address (`#code=…`), and takes it out of there; `null` where it does not open. */
async function signInByCode(): Promise<SessionAnswer | null> {
  const code = new URLSearchParams(location.hash.slice(1)).get('code')
  if (code === null) return null
  history.replaceState(null, '', location.pathname + location.search)
  return postJson<SessionAnswer>('/v1/session', { code }).catch(() => null)
}

export async function signOut(): Promise<void> {
  await fetchJson('/v1/session', { method: 'DELETE' }).catch(() => {})
  setSession(null)
}

/** The server no longer takes our cookie: ask for a key, and stay where we are. */
export function sessionEnded(): void {
  setSession(null)
}
