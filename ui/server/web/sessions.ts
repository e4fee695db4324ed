/**
 * Browser sessions: a random id in a cookie stands for an API key. They live in memory: a restart signs everybody out.
 * The key is asked again for every request, so that revoking it ends its sessions at once.
 */
import { randomBytes } from 'node:crypto'
import type { RequestHead } from '../server.ts'

export const SESSION_COOKIE = 'millrace_session'
export const SESSION_SECONDS = 12 * 60 * 60
const MAX_SESSIONS = 10_000

export interface Sessions {
  /** Beyond the bound the oldest session ends. @returns the id for the cookie: 256 random bits, base64url */
  open(key: string): string
  /** Ends the session whose cookie the request carries, if it does. */
  end(request: RequestHead): void
  /** The API key of the request's session; `null` where there is none, it is over, or another site's page asks. */
  keyOf(request: RequestHead): string | null
  readonly size: number
}

export interface SessionsOptions {
  /** Monotonic milliseconds. */
  readonly now?: () => number
  readonly maxSessions?: number
}

export function createSessions({
  now = () => performance.now(),
  maxSessions = MAX_SESSIONS,
}: SessionsOptions = {}): Sessions {
  // In the order they were opened, which is the order they end in.
  const sessions = new Map<string, { readonly key: string; readonly endsAt: number }>()
  const dropOver = () => {
    for (const [id, { endsAt }] of sessions) {
      if (endsAt > now() && sessions.size <= maxSessions) return
      sessions.delete(id)
    }
  }
  return {
    open(key) {
      const id = randomBytes(32).toString('base64url')
      sessions.set(id, { key, endsAt: now() + SESSION_SECONDS * 1000 })
      dropOver()
      return id
    },
    end(request) {
      sessions.delete(sessionId(request) ?? '')
    },
    keyOf(request) {
      const session = sessions.get(sessionId(request) ?? '')
      if (session === undefined || session.endsAt <= now() || !fromOurPage(request)) return null
      return session.key
    },
    get size() {
      return sessions.size
    },
  }
}

/** `Set-Cookie` for a session id; `null` takes the cookie away. @param secure whether the page came over TLS */
export function sessionCookie(id: string | null, secure: boolean): string {
  const age = id === null ? 0 : SESSION_SECONDS
  return `${SESSION_COOKIE}=${id ?? ''}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure ? '; Secure' : ''}`
}

function sessionId({ headers }: RequestHead): string | undefined {
  const found = headers.cookie?.match(new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;]*)`))
  return found?.[1]
}

/**
 * A cookie goes with a request whoever caused it; a page of ours proves itself by what a browser lets no page forge:
 * Sec-Fetch-Site, or where it is missing (plain HTTP off loopback) Origin or Referer.
 */
function fromOurPage({ headers }: RequestHead): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const page = headers.origin ?? headers.referer
  return page !== undefined && URL.canParse(page) && new URL(page).host === headers.host
}
