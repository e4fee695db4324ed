/** How one may sign in here. */
import { createResource, type Resource } from 'solid-js'
import type { WaysAnswer } from '#ui/server/web/oidc_route.ts'
import { fetchJson } from './problem.ts'

/** Where the server does not say: what it does unless told otherwise. */
const USUAL: WaysAnswer = { provider: null, password: true, session_hours: 12 }

export function createWays(): Resource<WaysAnswer> {
  const [ways] = createResource(() => fetchJson<WaysAnswer>('/v1/session/ways').catch(() => USUAL))
  return ways
}
