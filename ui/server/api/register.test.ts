import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { TransientError } from '#pipeline/errors/errors.ts'
import { buildServer, type HttpServerOptions } from '../server.ts'
import { createAccess } from './access.ts'
import { ApiError } from './problem.ts'
import { defineRoute, type Route } from './route.ts'

const principal = { projectId: 'p', projectName: 'shop', keyId: 'k', scopes: ['read'] } as const
const access = createAccess({ directory: { authenticate: (key) => (key === 'mine' ? principal : null) } })

function serving(route: Route, options: Partial<HttpServerOptions> = {}) {
  const server = buildServer({ host: '0.0.0.0', port: 0, access, routes: [route], ...options })
  return (payload?: object, headers: Record<string, string> = {}, remoteAddress = '1.1.1.1', url = '/v1/it') =>
    server.inject({ method: route.method, url, headers, remoteAddress, ...(payload && { payload }) })
}
const base = { method: 'POST', path: '/v1/it', summary: '', access: 'public', answers: { 200: z.unknown() } } as const

describe('a registered route', () => {
  it('answers what its schema names and no more, and is kept by nobody', async () => {
    const answers = { 201: z.object({ id: z.string() }) }
    const ask = serving(defineRoute({ ...base, answers, handle: async () => ({ id: 'a', password: 'b' }) }))
    const answer = await ask()
    assert.deepEqual([answer.statusCode, answer.json()], [201, { id: 'a' }])
    assert.equal(answer.headers['cache-control'], 'no-store')
  })

  it('is asked nothing by who may not, nor by what is not valid', async () => {
    const asked: unknown[] = []
    const body = z.strictObject({ n: z.number() })
    const ask = serving(
      defineRoute({
        ...base,
        access: 'viewer',
        body,
        handle: async ({ body, caller }) => void asked.push([body, caller.id]),
      }),
    )
    const mine = { authorization: 'Bearer mine' }
    assert.equal((await ask({ n: 1 })).statusCode, 401)
    assert.equal((await ask({ n: 'x' }, mine)).statusCode, 400)
    assert.equal((await ask({ n: 1, m: 2 }, mine)).statusCode, 400)
    assert.equal((await ask({ n: 1 }, mine, '1.1.1.1', '/v1/it?unknown=1')).statusCode, 400)
    assert.equal((await ask({ n: 1 }, { ...mine, origin: 'https://evil.example' })).statusCode, 403)
    assert.deepEqual(asked, [])
    assert.equal((await ask({ n: 1 }, mine)).statusCode, 200)
    assert.deepEqual(asked, [[{ n: 1 }, 'k']])
  })

  it('that takes guesses is limited by address and by what is guessed at', async () => {
    const body = z.strictObject({ account: z.string() })
    const route = defineRoute({
      ...base,
      body,
      attempt: ({ account }) => account,
      handle: () => Promise.reject(new ApiError(401, '28P01', 'wrong')),
    })
    const ask = serving(route, { limits: { attempts: { burst: 2, perSecond: 0.1 } } })
    const status = async (account: string, address: string) => (await ask({ account }, {}, address)).statusCode
    assert.deepEqual(
      [await status('a', '1.1.1.1'), await status('b', '1.1.1.1'), await status('c', '1.1.1.1')],
      [401, 401, 429],
    )
    assert.deepEqual(
      [await status('d', '2.2.2.2'), await status('d', '3.3.3.3'), await status('d', '4.4.4.4')],
      [401, 401, 429],
    )
    assert.equal((await ask({ account: 'd' }, {}, '5.5.5.5')).headers['retry-after'], '10')
  })

  it('that breaks says so to us, and nothing of it to who asked', async () => {
    const told: unknown[] = []
    const error = new Error('the secret is 42')
    const ask = serving(defineRoute({ ...base, handle: () => Promise.reject(error) }), { onError: (e) => told.push(e) })
    const answer = await ask()
    assert.deepEqual([answer.statusCode, answer.json().code], [500, 'XX000'])
    assert.doesNotMatch(answer.body, /42/)
    assert.deepEqual(told, [error])
  })

  it('whose database is away says to try again', async () => {
    const ask = serving(
      defineRoute({ ...base, handle: () => Promise.reject(new TransientError('PostgreSQL: at 10.0.0.1')) }),
    )
    const answer = await ask()
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '1'])
    assert.doesNotMatch(answer.body, /10\.0\.0\.1/)
  })

  it('that changes something has done so, and is known to have, when it answers', async () => {
    const order: string[] = []
    const route = defineRoute({ ...base, change: async () => void order.push('change') })
    const ask = serving(route, {
      database: {
        async transaction(work) {
          const result = await work({} as never)
          order.push('commit')
          return result
        },
      },
      async changed() {
        order.push('changed')
        throw new TransientError('away again')
      },
    })
    assert.equal((await ask()).statusCode, 200, 'it is done')
    assert.deepEqual(order, ['change', 'commit', 'changed'])
  })
})
