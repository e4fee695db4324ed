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
export async function signIn(key: string): Promise<void> {
  setSession(await postJson<SessionAnswer>('/v1/session', { key }))
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
