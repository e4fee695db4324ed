/**
 * Telemetry from web pages (CORS, fetch.spec.whatwg.org): a page may send with a key that names its origin, and no other
 * key. Whoever visits a page can read its key, so such a key should have the scope `ingest` only.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '#schemas/directory.ts'
import { Refusal } from './refusal.ts'

const PREFLIGHT_SECONDS = 24 * 3_600

/** Before a page's request is sent, its browser asks whether it may; the key is not in that question. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'authorization, x-api-key, content-type, content-encoding',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  })
  response.end()
}

/** Lets the page read the answer, a refusal too: there is nothing in it but what happened to its export. */
export function allowReading({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.origin === undefined) return
  response.setHeader('access-control-allow-origin', headers.origin)
  response.setHeader('access-control-expose-headers', 'retry-after')
  response.setHeader('vary', 'origin')
}

/**
 * @param origin of the page
 * @param principal whom the key in the headers speaks for
 * @throws Refusal where pages of this origin may not send with it
 */
export function checkOrigin(origin: string, principal: Principal | null): void {
  if (principal === null) {
    throw new Refusal('unauthenticated', 'a web page sends its API key in the header authorization or x-api-key')
  }
  const { allowedOrigins = [], keyId } = principal
  if (allowedOrigins.includes(origin)) return
  throw new Refusal(
    'permission_denied',
    allowedOrigins.length === 0
      ? `the API key ${keyId} is not for web pages: make one with the scope ingest and the allowed origin ${origin}`
      : `the API key ${keyId} is not for pages of ${origin}`,
  )
}
