/** Identifies who asks: by the API key a request carries, or by the session its cookie stands for. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Directory, Principal, ProjectDirectory } from '#schemas/directory.ts'
import { DEFAULT_PROJECT, PROJECT_NAME } from '../directory/projects.ts'
import type { Caller } from './caller.ts'
import { cookieOf } from './cookies.ts'

/** What a request says about itself: Fastify's request and a bare WebSocket upgrade both fit. */
export interface RequestHead {
  readonly headers: IncomingHttpHeaders
}

export interface Access {
  /**
   * Who asks; `null` for nobody known. May be asked again for the same request as often as once a second: it answers
   * what is so by then (a key revoked, a user disabled, a membership ended).
   * @throws TransientError where it cannot be known
   */
  identify(request: RequestHead): Promise<Caller | null>
  /** The same caller in another project. @param project name or id @returns `null` where it is none of theirs */
  within(caller: Caller, project: string): Promise<Caller | null>
}

/** Who has a session. */
export interface SessionReader {
  /** @throws TransientError where it cannot be known */
  callerOf(token: string): Promise<Caller | null>
  /** The user in another project. */
  userWithin(userId: string, project: string): Promise<Caller | null>
}

export interface AccessOptions {
  readonly directory: Directory & Partial<ProjectDirectory>
  readonly sessions?: SessionReader
}

/** The id of the key in `run.json`. */
export const LOCAL_KEY_ID = 'local'

export function createAccess({ directory, sessions }: AccessOptions): Access {
  return {
    async identify(request) {
      const key = keyOf(request)
      if (key !== null) {
        const principal = directory.authenticate(key)
        return principal === null ? null : callerOfKey(principal)
      }
      const token = fromOurPage(request) ? cookieOf(request) : null
      return token === null ? null : ((await sessions?.callerOf(token)) ?? null)
    },
    async within(caller, project) {
      if (project === caller.projectId || project === caller.projectName) return caller
      if (!PROJECT_NAME.test(project)) return null
      if (caller.kind === 'user') return (await sessions?.userWithin(caller.id, project)) ?? null
      const found = caller.operator ? directory.project?.(project) : null
      return found ? { ...caller, projectId: found.id, projectName: found.name } : null
    },
  }
}

export function callerOfKey({ keyId: id, projectId, projectName, scopes }: Principal): Caller {
  const kind = id === LOCAL_KEY_ID ? 'local' : 'key'
  const role = scopes.includes('admin') ? 'admin' : scopes.includes('read') ? 'viewer' : null
  const operator = role === 'admin' && projectName === DEFAULT_PROJECT
  return { kind, id, name: id, projectId, projectName, role, operator }
}

/** In `authorization: Bearer <key>`, `x-api-key`, or the subprotocol `bearer.<key>`: browsers set no headers of a WebSocket. */
export function keyOf({ headers }: RequestHead): string | null {
  const { authorization } = headers
  if (authorization !== undefined && /^bearer /i.test(authorization)) return authorization.slice(7).trim()
  const key = headers['x-api-key']
  if (typeof key === 'string') return key
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return offered.find((name) => name.startsWith('bearer.'))?.slice('bearer.'.length) ?? null
}

/**
 * A cookie goes with a request whoever caused it; a page of ours proves itself by what a browser lets no page forge:
 * Sec-Fetch-Site, or where it is missing (plain HTTP off loopback) Origin or Referer.
 */
export function fromOurPage({ headers }: RequestHead): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const page = headers.origin ?? headers.referer
  return page !== undefined && URL.canParse(page) && new URL(page).host === headers.host
}

/**
 * Refuses what a web page of another site may send through a browser: a foreign Origin, and, where we listen on
 * loopback, a Host that is not loopback (DNS rebinding). @returns the sentence to answer with, `null` where all is well
 */
export function foreignRequest({ headers }: RequestHead, bind: string): string | null {
  const host = headers.host ?? ''
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/
  const { origin } = headers
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host))
    return `a page of ${origin} may not ask ${host}`
  if (/^(127\.|::1$|localhost$)/.test(bind) && !loopback.test(host)) return `${host} is not a name of this server`
  return null
}
