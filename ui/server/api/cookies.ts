/** The cookie that stands for a session. */
import type { RequestHead } from './access.ts'

export const SESSION_COOKIE = 'millrace_session'
/** The longest a session may be set to last (`session_hours`); when one is over the server knows, not the cookie. */
const COOKIE_SECONDS = 720 * 60 * 60

/** `Set-Cookie` for a session; `null` takes the cookie away. @param secure whether the page came over TLS */
export function sessionCookie(token: string | null, secure: boolean): string {
  const age = token === null ? 0 : COOKIE_SECONDS
  return `${SESSION_COOKIE}=${token ?? ''}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure ? '; Secure' : ''}`
}

/** What the cookie of that name holds; `null` where there is none. */
export function cookieOf({ headers }: RequestHead, name = SESSION_COOKIE): string | null {
  return headers.cookie?.match(new RegExp(`(?:^|;\\s*)${name}=([^;]+)`))?.[1] ?? null
}

/** Whether the browser came over TLS, to us or to a proxy before us. */
export function isSecure({ headers }: RequestHead): boolean {
  return headers['x-forwarded-proto'] === 'https' || (headers.origin?.startsWith('https:') ?? false)
}
