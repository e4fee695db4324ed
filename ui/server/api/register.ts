/** Makes routes answer. Everything that is so for each of them is here: no route can forget it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Database, Transaction } from '#pipeline/postgres/database.ts'
import { answerOnce, idempotencyKey } from '../directory/idempotency.ts'
import type { Gate } from './gate.ts'
import { ApiError, knownError, PROBLEM_CONTENT_TYPE, problemOf } from './problem.ts'
import type { Asked, Route } from './route.ts'

export interface RegisterOptions {
  readonly routes: readonly Route[]
  readonly gate: Gate
  /** Where routes that change something do so. */
  readonly database?: Pick<Database, 'transaction'>
  /** Called after a change, before its answer: what this process knows is out of date. */
  readonly changed?: () => Promise<void>
  /** Told of what is our own fault. */
  readonly onError?: (error: unknown) => void
}

export function registerRoutes(server: FastifyInstance, options: RegisterOptions): void {
  server.setErrorHandler((error, _, reply) => sendError(reply, error, options.onError))
  for (const route of options.routes) {
    server.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) => answer(route, request, reply, options),
    })
  }
}

/** Answers with a problem. What is our own fault is told to the log, not to the caller. */
export function sendError(reply: FastifyReply, error: unknown, onError?: (error: unknown) => void): FastifyReply {
  const known = knownError(error)
  if (known === null) onError?.(error)
  const told = known ?? new ApiError(500, 'XX000', 'Something went wrong here; the log of millrace says what')
  if (told.retryAfterSeconds !== undefined) reply.header('retry-after', told.retryAfterSeconds)
  // As bytes: to text Fastify would add a charset, which JSON does not have.
  return reply
    .code(told.status)
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .send(Buffer.from(JSON.stringify(problemOf(told))))
}

async function answer(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  options: RegisterOptions,
): Promise<unknown> {
  const { gate } = options
  reply.header('cache-control', 'no-store')
  const caller = await gate.admit(request, request.ip, route.access, projectOf(request))
  const params = valid(route.params, request.params)
  const query = valid(route.query ?? z.strictObject({}), request.query)
  const body = valid(route.body, request.body)
  const asked: Asked<never, unknown, unknown, unknown> = {
    caller: caller as never,
    params,
    query,
    body,
    request,
    reply,
    get signal() {
      return signalOf(reply)
    },
  }
  const work = () => ('handle' in route ? route.handle(asked) : changed(route, asked, options))
  const { attempt } = route
  const guessed = attempt?.(body) ?? null
  const result =
    attempt === undefined
      ? await work()
      : await gate.attempt([request.ip, ...(guessed === null ? [] : [guessed])], work)
  return result === reply ? reply : send(route, reply, result)
}

async function changed(
  route: Extract<Route, { change: unknown }>,
  asked: Asked<never, unknown, unknown, unknown>,
  { database, changed = async () => {}, onError }: RegisterOptions,
): Promise<unknown> {
  const { request, reply } = asked
  const caller = asked.caller as { kind: string; id: string; projectId: string } | null
  const key = caller === null ? null : idempotencyKey(request.headers['idempotency-key'])
  const work = (transaction: Transaction) => route.change(asked, transaction)
  const result = await database!.transaction(async (transaction) => {
    if (caller === null || key === null) return work(transaction)
    const { kind, id, projectId } = caller
    const content = JSON.stringify([request.method, request.url, projectId, request.body ?? null])
    const { answer, repeated } = await answerOnce(
      transaction,
      { actor: `${kind} ${id}`, key, content, status: statusOf(route), shownOnce: route.shownOnce ?? [] },
      () => work(transaction),
    )
    if (repeated) reply.header('idempotency-replayed', 'true')
    return answer
  })
  // It is done, whether or not we could read it again already.
  await changed().catch((error: unknown) => onError?.(error))
  return result
}

function send(route: Route, reply: FastifyReply, result: unknown): FastifyReply {
  if (reply.statusCode === 200) reply.code(statusOf(route))
  const schema = route.answers[reply.statusCode]
  if (schema === null || schema === undefined) return reply.send()
  if (route.contentType !== undefined) return reply.type(route.contentType).send(result)
  return reply.send(schema.parse(result))
}

function statusOf(route: Route): number {
  return Number(Object.keys(route.answers)[0])
}

/** The project a request names in its path or its query. */
function projectOf({ params, query }: FastifyRequest): string | undefined {
  const { project } = { ...(query as object), ...(params as object) } as { project?: unknown }
  return typeof project === 'string' ? project : undefined
}

function valid(schema: z.ZodType | undefined, value: unknown): unknown {
  const parsed = schema?.safeParse(value)
  if (parsed === undefined || parsed.success) return parsed?.data
  throw new ApiError(400, '22023', z.prettifyError(parsed.error))
}

function signalOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.on('close', () => gone.abort())
  return gone.signal
}
