/**
 * One-time codes that sign a browser in: who has a key asks for one and opens the page with it in the URL's fragment,
 * which browsers send neither to the server nor in a Referer. It stands for the key once, for a minute.
 */
import { randomBytes } from 'node:crypto'

export const CODE_SECONDS = 60
const MAX_CODES = 100

export interface SignInCodes {
  /** Beyond the bound the oldest code ends. @returns 256 random bits, base64url */
  open(key: string): string
  /** The key a code stands for, which it does no longer; `null` where it never did, or is used or over. */
  take(code: string): string | null
}

export interface SignInCodesOptions {
  /** Monotonic milliseconds. */
  readonly now?: () => number
  readonly maxCodes?: number
}

export function createSignInCodes({
  now = () => performance.now(),
  maxCodes = MAX_CODES,
}: SignInCodesOptions = {}): SignInCodes {
  // In the order they were opened, which is the order they end in.
  const codes = new Map<string, { readonly key: string; readonly endsAt: number }>()
  return {
    open(key) {
      const code = randomBytes(32).toString('base64url')
      codes.set(code, { key, endsAt: now() + CODE_SECONDS * 1000 })
      for (const [oldest, { endsAt }] of codes) {
        if (endsAt > now() && codes.size <= maxCodes) break
        codes.delete(oldest)
      }
      return code
    },
    take(code) {
      const found = codes.get(code)
      codes.delete(code)
      return found === undefined || found.endsAt <= now() ? null : found.key
    },
  }
}
