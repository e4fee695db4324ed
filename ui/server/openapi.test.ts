import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { Database } from '#pipeline/postgres/database.ts'
import { type ApiOptions, apiRoutes } from './api/routes.ts'
import { openapiDocument, openapiRoute } from './openapi.ts'

// Routes only ask these when they answer.
const never = new Proxy({}, { get: () => assert.fail('nothing is asked') })
const routes = apiRoutes(new Proxy({ database: never as Database }, { get: () => never }) as unknown as ApiOptions)
const upgrades = [
  {
    ...{ path: '/v1/tail', summary: 'Events as they come.', access: 'viewer' as const },
    upgrade: () => {},
    close: async () => {},
  },
]

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly required: string[] } }> }
}
const document = openapiDocument({ routes, upgrades }) as {
  readonly paths: Record<string, Record<string, Operation>>
}
const operations = Object.values(document.paths).flatMap((path) => Object.values(path))

describe('the OpenAPI document', () => {
  it('is one', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)))
    assert.ok(valid, JSON.stringify(errors, null, 2))
  })

  it('has every route, each under a name of its own', () => {
    for (const { method, path } of routes) {
      const described = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]
      assert.ok(described?.[method.toLowerCase()], `${method} ${path}`)
    }
    assert.equal(operations.length, routes.length + upgrades.length)
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  })

  it('says what the schemas that validate say', () => {
    const { parameters, requestBody } = document.paths['/v1/keys'].post
    assert.deepEqual(requestBody?.content['application/json'].schema.required, ['scopes'])
    assert.deepEqual(
      parameters.map(({ name, in: place }) => `${place} ${name}`),
      ['query project', 'header Idempotency-Key'],
    )
    assert.deepEqual(document.paths['/v1/projects/{project}'].get.parameters[0].in, 'path')
  })

  it('has no path parameter that is not declared', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters = [] } of Object.values(methods)) {
        const declared = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
        assert.deepEqual(declared, named, path)
      }
    }
  })

  it('answers for itself', async () => {
    const route = openapiRoute(() => ({ routes, upgrades }))
    assert.deepEqual('handle' in route && (await route.handle({} as never)), document)
  })
})
