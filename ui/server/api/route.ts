/** What a route of the API is: `defineRoute` declares one, `register.ts` is the one place that makes them answer. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Transaction } from '#pipeline/postgres/database.ts'
import type { Caller, Requirement } from './caller.ts'

/** A request that may be answered: identified, allowed and valid. */
export interface Asked<Access extends Requirement, Params, Query, Body> {
  /** In the project that the parameter `project` of path or query names, else the one they look at. */
  readonly caller: Access extends 'public' ? null : Caller
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

interface Declared<Access extends Requirement, Params, Query, Body> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Parameters as `:name`. */
  readonly path: string
  /** One sentence, for the OpenAPI document. */
  readonly summary: string
  readonly access: Access
  readonly params?: z.ZodType<Params>
  /** Of text values, as a URL has them. */
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
  /**
   * By status; `null` for an empty one. The first is what a request is answered with unless the handler sets another.
   * What the schema does not name is left out of the answer.
   */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
  /** Of the answer, where it is not JSON. */
  readonly contentType?: string
  /** Guessing is limited strictly: by address, and by what this names (an account). Counted are refusals. */
  readonly attempt?: (body: Body) => string | null
  /** Parts of the answer that exist only in it: a request repeated with its Idempotency-Key is answered without. */
  readonly shownOnce?: readonly string[]
}

/** Answers what it returns, or has sent it itself and returns the reply. */
export interface Reading<Access extends Requirement, Params, Query, Body>
  extends Declared<Access, Params, Query, Body> {
  handle(asked: Asked<Access, Params, Query, Body>): Promise<unknown>
}

/** Changes something: all in one transaction, with its entry in the audit log and its Idempotency-Key. */
export interface Changing<Access extends Requirement, Params, Query, Body>
  extends Declared<Access, Params, Query, Body> {
  change(asked: Asked<Access, Params, Query, Body>, transaction: Transaction): Promise<unknown>
}

// biome-ignore lint/suspicious/noExplicitAny: routes of all types meet in one list
export type Route = Reading<any, any, any, any> | Changing<any, any, any, any>

export function defineRoute<Access extends Requirement, Params = unknown, Query = unknown, Body = unknown>(
  route: Reading<Access, Params, Query, Body> | Changing<Access, Params, Query, Body>,
): Route {
  return route
}
