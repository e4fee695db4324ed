/** The whole API on a PostgreSQL of its own, not listening: requests are handed in. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { createTestPostgres } from '#pipeline/postgres/testing.ts'
import type { DeadLetters } from '#schemas/dead_letters.ts'
import type { ProjectionReader } from '#schemas/projections.ts'
import type { QueryService } from '#schemas/query.ts'
import type { Replays } from '#schemas/replays.ts'
import { createAccess } from '../api/access.ts'
import type { Role } from '../api/caller.ts'
import { cookieOf, SESSION_COOKIE } from '../api/cookies.ts'
import type { GateOptions } from '../api/gate.ts'
import { type ApiOptions, apiRoutes } from '../api/routes.ts'
import { createStoredDirectory, type StoredDirectory } from '../directory/directory.ts'
import { createKey, type NewKey } from '../directory/keys.ts'
import { setMember } from '../directory/members.ts'
import { createProject, type Project } from '../directory/projects.ts'
import { createSessions, type Sessions } from '../directory/sessions.ts'
import { createUser, type User } from '../directory/users.ts'
import { buildServer } from '../server.ts'

export const PASSWORD = 'correct horse battery'

export interface ApiServer {
  readonly server: FastifyInstance
  /** Everything Fastify answers: `GET /v1/keys` … */
  readonly registered: readonly string[]
  readonly database: Database
  readonly directory: StoredDirectory
  readonly sessions: Sessions
  /** Of project `default`, with all scopes. */
  readonly operatorKey: string
  /** What our own page sends. @param who a key, or the cookie of a session */
  ask(
    method: InjectOptions['method'],
    url: string,
    who?: Who,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>
  project(name: string): Promise<Project>
  key(projectId: string, scopes: NewKey['scopes'], more?: Partial<NewKey>): Promise<string>
  /** A user with {@link PASSWORD} and a role in the project. */
  user(email: string, projectId: string | null, role?: Role): Promise<User>
  signIn(user: User, projectId: string): Promise<Who>
  close(): Promise<void>
}

export type Who = { readonly key: string } | { readonly cookie: string } | null

const HOST = 'localhost:8080'
const queries: QueryService = {
  async query() {
    async function* pages() {
      yield [[1]]
      return { truncated: false }
    }
    return { columns: [{ name: 'one', type: 'integer' }], asOf: [], pages: pages() }
  },
}
/** Of a project that has sent nothing. */
const projections: ProjectionReader = {
  services: async () => [],
  usage: async () => [],
  account: async () => ({ ledger: NOTHING, inFlight: 0, complete: true }),
}
const deadLetters: DeadLetters = {
  groups: async () => [],
  rows: async () => ({ rows: [], next: null }),
  decide: async () => ({ events: 0, records: 0, refused: [] }),
  accept: async (_, part) => part === 'normalize',
}
/** Of an instance without any. */
const replays: Replays = {
  list: async () => [],
  missing: async () => [],
  start: () => Promise.reject(new OperatorError('nothing is stored yet')),
  compare: (generation) => Promise.reject(new OperatorError(`there is no generation ${generation}`)),
  flip: (generation) => Promise.reject(new OperatorError(`there is no generation ${generation}`)),
  discard: (generation) => Promise.reject(new OperatorError(`there is no generation ${generation}`)),
}
const NOTHING = {
  ...{ received: 0, stored: 0, dropped: 0, deadLettered: 0, unaccounted: 0 },
  ...{ droppedByReason: {}, deadLetteredByCode: {} },
}
const UNLIMITED = { burst: 1e9, perSecond: 1e9 }

export async function createApiServer(
  options: Partial<ApiOptions> & { readonly limits?: Pick<GateOptions, 'requests' | 'attempts'> } = {},
): Promise<ApiServer> {
  const postgres = await createTestPostgres()
  const { database } = postgres
  await migrate(database, join(import.meta.dirname, '../../../schemas/postgres'))
  const folder = mkdtempSync(join(tmpdir(), 'millrace-api-'))
  const directory = await createStoredDirectory({ database, file: join(folder, 'directory.json') }, true)
  const sessions = createSessions({ database, directory })
  const access = createAccess({ directory, sessions })
  const changed = async () => {
    sessions.forget()
    await directory.refresh()
  }
  const routes = apiRoutes({
    ...{ database, directory, sessions, access, queries, projections, deadLetters, replays },
    oidc: null,
    otlp: { grpc: 4317, http: 4318 },
    notReady: () => [],
    metrics: async () => [],
    topology: async () => ({ stages: [] }),
    ...options,
  })
  const limits = { requests: UNLIMITED, attempts: UNLIMITED, ...options.limits }
  const registered: string[] = []
  const watch = (message: unknown) =>
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', ({ method, url }) => {
      registered.push(...[method].flat().map((each) => `${each} ${url}`))
    })
  subscribe('fastify.initialization', watch)
  const server = buildServer({
    host: '127.0.0.1',
    port: 0,
    access,
    database,
    changed,
    limits,
    routes,
    onError: console.error,
  })
  unsubscribe('fastify.initialization', watch)
  return {
    ...{ server, registered, database, directory, sessions },
    operatorKey: directory.firstKey!,
    ask(method, url, who = null, body = undefined, headers = {}) {
      const by =
        who === null
          ? {}
          : 'key' in who
            ? { authorization: `Bearer ${who.key}` }
            : { cookie: who.cookie, 'sec-fetch-site': 'same-origin' }
      return server.inject({ method, url, headers: { host: HOST, ...by, ...headers }, payload: body as object })
    },
    project: (name) => createProject(database, { name }),
    async key(projectId, scopes, more = {}) {
      const { key } = await createKey(database, { projectId, name: '', scopes, ...more })
      await changed()
      return key
    },
    async user(email, projectId, role = 'viewer') {
      const user = await createUser(database, { email, password: PASSWORD })
      if (projectId !== null) await setMember(database, projectId, { user: user.id }, role)
      return user
    },
    async signIn(user, projectId) {
      return { cookie: `${SESSION_COOKIE}=${await sessions.open({ userId: user.id, projectId })}` }
    },
    async close() {
      await server.close()
      await directory.close()
      await postgres.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The session that an answer begins. */
export function sessionOf(answer: LightMyRequestResponse): Who {
  const [cookie] = String(answer.headers['set-cookie']).split(';')
  return cookieOf({ headers: { cookie } }) === null ? null : { cookie }
}
