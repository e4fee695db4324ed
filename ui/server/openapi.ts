/** `GET /v1/openapi.json`: the API as a document (OpenAPI 3.1), made of the schemas that validate. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { PROBLEM_CONTENT_TYPE, problemSchema } from './api/problem.ts'
import { defineRoute, type Route } from './api/route.ts'
import type { UpgradeRoute } from './upgrades.ts'

export interface Described {
  readonly routes: readonly Route[]
  readonly upgrades: readonly UpgradeRoute[]
}

/** @param described asked once, when all routes are known: the document has this one, too */
export function openapiRoute(described: () => Described): Route {
  let document: unknown
  return defineRoute({
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document.',
    access: 'public',
    answers: { 200: z.looseObject({ openapi: z.string() }) },
    async handle() {
      document ??= openapiDocument(described())
      return document
    },
  })
}

export function openapiDocument({ routes, upgrades }: Described): object {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = (paths[openapiPath(route.path)] ??= {})
    path[route.method.toLowerCase()] = operation(route)
  }
  for (const { path, summary, access } of upgrades) {
    const responses = { 101: { description: 'Goes on as a WebSocket.' }, default: problemResponse }
    paths[path] = { get: { operationId: operationId('GET', path), summary, description: needs(access), responses } }
  }
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return {
    openapi: '3.1.1',
    info: { title: 'millrace', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ key: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key.' },
        session: { type: 'apiKey', in: 'cookie', name: 'millrace_session', description: 'Of our own page only.' },
      },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      responses: {
        Problem: {
          description: 'Why there is no answer (RFC 9457).',
          content: { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

const problemResponse = { $ref: '#/components/responses/Problem' }

function operation(route: Route): object {
  const { method, path, summary, access, body, answers, contentType = 'application/json' } = route
  const responses = Object.entries(answers).map(([status, schema]) => {
    const content = schema === null ? {} : { content: { [contentType]: { schema: schemaOf(schema, 'output') } } }
    return [status, { description: status === '204' ? 'Done.' : 'The answer.', ...content }]
  })
  return {
    operationId: operationId(method, path),
    summary,
    description: needs(access),
    ...(access === 'public' ? { security: [] } : {}),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...('change' in route && access !== 'public' ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: { ...Object.fromEntries(responses), default: problemResponse },
  }
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Repeated with the same key within a day, the change is made once and answered alike.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

function needs(access: Route['access']): string {
  if (access === 'public') return 'For everybody.'
  if (access === 'anyone signed in') return 'For every API key and everybody signed in.'
  if (access === 'operator') return 'For admins of the project `default`.'
  return `Needs the role ${access} in the project, or a key with the scope ${access === 'viewer' ? 'read' : 'admin'}.`
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...value }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: value,
  }))
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' })
  return rest
}

function openapiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}')
}

/** `DELETE /v1/keys/:key` → `delete_keys_key`. */
function operationId(method: string, path: string): string {
  const words = path.replace(/^\/v1/, '').replaceAll(/[^a-z]+/gi, '_')
  return `${method.toLowerCase()}${words}`
}
