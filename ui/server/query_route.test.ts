import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Directory, Scope } from '#schemas/directory.ts'
import {
  QueryError,
  type QueryFault,
  type QueryRequest,
  type QueryResult,
  type QueryRow,
  userError,
} from '#schemas/query.ts'
import { createAccess } from './api/access.ts'
import { queryRoute } from './query_route.ts'
import { buildServer } from './server.ts'

const directory: Directory = {
  authenticate(key) {
    const scopes: Record<string, readonly Scope[]> = { reader: ['read'], sender: ['ingest'] }
    return key in scopes ? { projectId: 'p1', projectName: 'default', keyId: key, scopes: scopes[key] } : null
  },
}

async function* pagesOf(pages: readonly (readonly QueryRow[] | Error)[], truncated = false) {
  for (const page of pages) {
    if (page instanceof Error) throw page
    yield page
  }
  return { truncated }
}

function answering(query: (request: QueryRequest) => Promise<QueryResult>) {
  const access = createAccess({ directory })
  const server = buildServer({ host: '0.0.0.0', port: 0, access, routes: [queryRoute({ query })] })
  return {
    server,
    post: (body: unknown, key = 'reader') =>
      server.inject({
        method: 'POST',
        url: '/v1/query',
        headers: { authorization: `Bearer ${key}` },
        payload: body as object,
      }),
  }
}

const columns = [
  { name: 'n', type: 'bigint' },
  { name: 'body', type: 'json' },
  { name: 'hashes', type: 'text[]' },
]

describe('POST /v1/query', () => {
  it('answers with columns and rows, json as JSON', async () => {
    let asked: QueryRequest | undefined
    const { post } = answering(async (request) => {
      asked = request
      const first = [[1, '{"id":9223372036854775807}', ['err:"1"']]]
      return { columns, asOf: [], pages: pagesOf([first, [['9223372036854775807', null, null]]], true) }
    })
    const answer = await post({ sql: 'SELECT $1', params: ['a', 1, true, null] })
    assert.equal(answer.statusCode, 200)
    assert.match(answer.headers['content-type'] as string, /^application\/json/)
    assert.equal(
      answer.body,
      `{"columns":${JSON.stringify(columns)},"rows":[[1,{"id":9223372036854775807},["err:\\"1\\""]],` +
        '["9223372036854775807",null,null]],"truncated":true}',
    )
    assert.deepEqual(
      [asked?.projectId, asked?.projectName, asked?.sql, asked?.params],
      ['p1', 'default', 'SELECT $1', ['a', 1, true, null]],
    )
  })

  it('answers with columns where there are no rows', async () => {
    const { post } = answering(async () => ({ columns, asOf: [], pages: pagesOf([]) }))
    assert.deepEqual((await post({ sql: 'SELECT' })).json(), { columns, rows: [], truncated: false })
  })

  it('wants a key that may read', async () => {
    const { post } = answering(() => assert.fail('nothing may run'))
    assert.deepEqual(
      [(await post({ sql: '' }, 'nobody')).statusCode, (await post({ sql: '' }, 'sender')).statusCode],
      [401, 403],
    )
  })

  it('says what is wrong with a body', async () => {
    const { post } = answering(() => assert.fail('nothing may run'))
    for (const body of [
      {},
      { sql: 1 },
      { sql: '', params: [{}] },
      { sql: '', timeout: 1 },
      { sql: '', params: Array(1001).fill(1) },
    ]) {
      const answer = await post(body)
      assert.equal(answer.statusCode, 400)
      assert.equal(answer.json().code, '22023')
    }
  })

  const statuses: Record<QueryFault, number> = {
    user: 400,
    timeout: 504,
    cancelled: 408,
    overload: 429,
    unavailable: 503,
    internal: 500,
  }
  for (const [fault, status] of Object.entries(statuses)) {
    it(`gives ${status} for ${fault}, whether accepted before or not`, async () => {
      const error = new QueryError({ fault: fault as QueryFault, code: '57014', message: 'because', position: 3 })
      for (const query of [() => Promise.reject(error), async () => ({ columns, asOf: [], pages: pagesOf([error]) })]) {
        const answer = await answering(query).post({ sql: '' })
        assert.equal(answer.statusCode, status)
        const { code, detail, position } = answer.json()
        assert.deepEqual({ code, detail, position }, { code: '57014', detail: 'because', position: 3 })
        assert.equal(answer.headers['retry-after'], status === 429 || status === 503 ? '1' : undefined)
      }
    })
  }

  it('cuts an answer off that fails after its first rows', async () => {
    const { server } = answering(async () => ({
      columns,
      asOf: [],
      pages: pagesOf([[[1, null, null]], userError('22003', 'late')]),
    }))
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    try {
      const headers = { authorization: 'Bearer reader', 'content-type': 'application/json' }
      const answer = await fetch(`${url}/v1/query`, { method: 'POST', headers, body: '{"sql":""}' })
      assert.equal(answer.status, 200)
      await assert.rejects(answer.text())
    } finally {
      await server.close()
    }
  })

  it('cancels the statement when the client goes', async () => {
    const seen = Promise.withResolvers<AbortSignal>()
    const { server } = answering(async ({ signal }) => {
      seen.resolve(signal!)
      await once(signal!, 'abort')
      throw new QueryError({ fault: 'cancelled', code: '57014', message: 'cancelled' })
    })
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    try {
      const client = new AbortController()
      const headers = { authorization: 'Bearer reader', 'content-type': 'application/json' }
      const answer = fetch(`${url}/v1/query`, { method: 'POST', headers, body: '{"sql":""}', signal: client.signal })
      const signal = await seen.promise
      assert.equal(signal.aborted, false)
      client.abort()
      await assert.rejects(answer)
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      await server.close()
    }
  })
})
