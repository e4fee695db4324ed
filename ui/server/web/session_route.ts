/**
 * `/v1/session`: signing in to the page with an API key, or with e-mail and password; who is signed in; which project
 * they look at; signing out.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import type { Directory } from '#schemas/directory.ts'
import { type Access, callerOfKey, keyOf } from '../api/access.ts'
import { type Caller, enforce } from '../api/caller.ts'
import { cookieOf, isSecure, sessionCookie } from '../api/cookies.ts'
import { email, newPassword, password, role } from '../api/fields.ts'
import { ApiError, notFound } from '../api/problem.ts'
import { defineRoute, type Route } from '../api/route.ts'
import { audited } from '../directory/audit.ts'
import { projectsOf } from '../directory/members.ts'
import { DEFAULT_PROJECT, listProjects, type Project } from '../directory/projects.ts'
import type { SessionOf, Sessions } from '../directory/sessions.ts'
import { readSettings } from '../directory/settings.ts'
import { hasPassword, setPassword, type User, userOfPassword } from '../directory/users.ts'
import { createSignInCodes } from './sign_in_codes.ts'

export interface SessionRouteOptions {
  readonly database: Database
  readonly directory: Directory
  readonly sessions: Sessions
  readonly access: Access
  /** Ports of the OTLP receiver. */
  readonly otlp: { readonly grpc: number; readonly http: number }
}

const answerSchema = z.object({
  kind: z.enum(['key', 'user', 'local']),
  name: z.string().meta({ description: "The user's e-mail; of a key its name or id." }),
  project: z.string().meta({ description: 'Name of the project looked at.' }),
  role: role.nullable(),
  operator: z.boolean(),
  projects: z
    .array(z.object({ id: z.uuid(), name: z.string(), role }))
    .meta({ description: 'To choose from: at most a thousand.' }),
  otlp: z
    .object({ grpc: z.int(), http: z.int() })
    .meta({ description: "Ports of the OTLP receiver, on the page's host." }),
})
/** What the page knows about itself. */
export type SessionAnswer = z.output<typeof answerSchema>

const signInBody = z.union([
  z.strictObject({ key: z.string().max(1024) }),
  z.strictObject({ code: z.string().max(1024) }),
  z.strictObject({ email, password }),
])

const NO_KEY = 'This is not a key that is known here. `npx millrace key add` makes one.'
const NO_CODE = 'This link is used or over a minute old. Sign in with a key, or make another link.'
const NO_READ = 'This key may send telemetry but not read it. `npx millrace key add --scopes read` makes one that may.'
const NO_USER = 'There is no user of this e-mail and password'
const NO_PASSWORDS = 'Passwords are not taken here: sign in at the OpenID provider'
const NO_PROJECT = 'You are in no project yet: ask one of its admins for an invitation'

/** As `projectsOf`. */
const MAX_PROJECTS_SHOWN = 1000
const asAdmin = ({ id, name }: Project) => ({ id, name, role: 'admin' as const })

export function sessionRoutes({ database, directory, sessions, access, otlp }: SessionRouteOptions): Route[] {
  const codes = createSignInCodes()
  const answer = async (caller: Caller): Promise<SessionAnswer> => {
    const { kind, id, name, projectId, projectName, role, operator } = caller
    const own = role === null ? [] : [{ id: projectId, name: projectName, role }]
    const all = async () => (await listProjects(database, { limit: MAX_PROJECTS_SHOWN })).map(asAdmin)
    const projects = kind === 'user' ? await projectsOf(database, id) : operator ? await all() : own
    return { kind, name, project: projectName, role, operator, projects, otlp }
  }
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/session',
      summary: 'Signs in to the page: sets the cookie.',
      access: 'public',
      body: signInBody,
      attempt: (body) => ('email' in body ? body.email : null),
      answers: { 200: answerSchema },
      async handle({ body, request, reply }) {
        const [of, caller] =
          'email' in body
            ? await byPassword(body.email, body.password)
            : byKey('key' in body ? body.key.trim() : keyOfCode(body.code))
        await begin(sessions, of, request, reply)
        return answer(caller)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/session/code',
      summary: 'A code that signs a browser in once, within a minute: open the page with #code=… in its address.',
      access: 'viewer',
      answers: { 200: z.object({ code: z.string() }) },
      async handle({ request }) {
        const key = keyOf(request)
        // A key itself, no session: a page may not make links to itself.
        if (key === null) throw new ApiError(403, '42501', 'Codes are made with an API key')
        return { code: codes.open(key) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/session',
      summary: 'Who is signed in, and where telemetry goes.',
      access: 'anyone signed in',
      answers: { 200: answerSchema },
      handle: ({ caller }) => answer(caller),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/session',
      summary: 'Chooses the project looked at.',
      access: 'anyone signed in',
      body: z.strictObject({ project: z.string().max(64) }),
      answers: { 200: answerSchema },
      async handle({ caller, body: { project }, request }) {
        const token = cookieOf(request)
        const within = await access.within(caller, project)
        if (within === null) throw notFound('project', project)
        enforce(within, 'viewer')
        if (token !== null) await sessions.choose(token, within.projectId)
        else if (within.projectId !== caller.projectId)
          throw new ApiError(409, '55000', 'there is no session: name the project in each request, ?project=')
        return answer(within)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/session',
      summary: 'Signs out.',
      access: 'anyone signed in',
      answers: { 204: null },
      async handle({ request, reply }) {
        const token = cookieOf(request)
        if (token !== null) await sessions.end(token)
        reply.header('set-cookie', sessionCookie(null, false))
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/session/password',
      summary: 'Changes your own password; your other sessions end.',
      access: 'anyone signed in',
      body: z.strictObject({
        current: password.default('').meta({ description: 'Not asked of who has none yet.' }),
        password: newPassword,
      }),
      attempt: () => null,
      answers: { 204: null },
      async handle({ caller, body, request, reply }) {
        if (caller.kind !== 'user') throw new ApiError(409, '55000', 'a key has no password')
        const isRight =
          !(await hasPassword(database, caller.id)) ||
          (await userOfPassword(database, caller.name, body.current)) !== null
        if (!isRight) throw new ApiError(401, '28P01', 'This is not your password')
        await database.transaction(async (transaction) => {
          await setPassword(transaction, caller.id, body.password)
          await audited(transaction, caller, { action: 'user.password', subject: caller.id, projectId: null })
        })
        sessions.forget()
        await begin(sessions, { userId: caller.id, projectId: caller.projectId }, request, reply)
      },
    }),
  ]

  function keyOfCode(code: string): string {
    const key = codes.take(code)
    if (key === null) throw new ApiError(401, '28000', NO_CODE)
    return key
  }

  function byKey(key: string): [SessionOf, Caller] {
    const principal = directory.authenticate(key)
    if (principal === null) throw new ApiError(401, '28000', NO_KEY)
    const caller = callerOfKey(principal)
    if (caller.role === null) throw new ApiError(403, '42501', NO_READ)
    return [{ principal, key }, caller]
  }

  async function byPassword(email: string, password: string): Promise<[SessionOf, Caller]> {
    if (!(await readSettings(database)).password_sign_in) throw new ApiError(403, '42501', NO_PASSWORDS)
    const user = await userOfPassword(database, email, password)
    if (user === null) throw new ApiError(401, '28P01', NO_USER)
    return firstProject(database, access, user)
  }
}

/** What a user looks at first: `default`, or the first of their projects. @throws ApiError 403 where there is none */
export async function firstProject(database: Database, access: Access, user: User): Promise<[SessionOf, Caller]> {
  const projects = await projectsOf(database, user.id)
  const first = projects.find(({ name }) => name === DEFAULT_PROJECT) ?? projects[0]
  if (first === undefined) throw new ApiError(403, '42501', NO_PROJECT)
  const nowhere = { kind: 'user', id: user.id, name: user.email, role: null, operator: false } as const
  const caller = await access.within({ ...nowhere, projectId: '', projectName: '' }, first.id)
  if (caller === null) throw new ApiError(403, '42501', NO_PROJECT)
  return [{ userId: user.id, projectId: first.id }, caller]
}

/** Begins a session and ends the one there was. */
export async function begin(
  sessions: Sessions,
  of: SessionOf,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const former = cookieOf(request)
  if (former !== null) await sessions.end(former)
  reply.header('set-cookie', sessionCookie(await sessions.open(of), isSecure(request)))
}
