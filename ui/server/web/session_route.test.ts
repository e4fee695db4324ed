import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fastify from 'fastify'
import type { Directory, Scope } from '#schemas/directory.ts'
import { sessionRoute } from './session_route.ts'
import { createSessions } from './sessions.ts'

const keys: Record<string, readonly Scope[]> = { reader: ['read'], sender: ['ingest'] }
const otlp = { grpc: 4317, http: 4318 }

function serving() {
  const revoked = new Set<string>()
  const directory: Directory = {
    authenticate: (key) =>
      key in keys && !revoked.has(key) ? { projectId: 'p1', projectName: 'shop', keyId: key, scopes: keys[key] } : null,
  }
  const server = fastify().register(sessionRoute({ directory, sessions: createSessions(), otlp }))
  const ask = (method: 'GET' | 'POST' | 'DELETE', headers: Record<string, string> = {}, payload?: object, below = '') =>
    server.inject({
      method,
      url: `/v1/session${below}`,
      headers: { 'sec-fetch-site': 'same-origin', ...headers },
      payload,
    })
  const signIn = async (key: string, headers = {}) => {
    const answer = await ask('POST', headers, { key })
    return { answer, cookie: String(answer.headers['set-cookie']).split(';')[0] }
  }
  return { ask, signIn, revoked }
}

describe('/v1/session', () => {
  it('gives a cookie for a key, and knows it again', async () => {
    const { ask, signIn } = serving()
    const { answer, cookie } = await signIn(' reader\n')
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(answer.json(), { project: 'shop', scopes: ['read'], otlp })
    assert.doesNotMatch(String(answer.headers['set-cookie']), /reader|Secure/)
    const again = await ask('GET', { cookie })
    assert.deepEqual([again.statusCode, again.json().project], [200, 'shop'])
    assert.equal(again.headers['cache-control'], 'no-store')
  })

  it('refuses keys that are unknown or may not read, with a sentence', async () => {
    const { ask, signIn } = serving()
    for (const [key, status, sentence] of [
      ['nobody', 401, /not a key that is known/],
      ['sender', 403, /may send telemetry but not read it/],
    ] as const) {
      const { answer } = await signIn(key)
      assert.equal(answer.statusCode, status)
      assert.match(answer.json().message, sentence)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
    assert.equal((await ask('POST', {}, { key: 7 })).statusCode, 400)
    assert.equal((await ask('GET')).statusCode, 401)
  })

  it('ends at once when the key is revoked or somebody signs out', async () => {
    const { ask, signIn, revoked } = serving()
    const first = await signIn('reader')
    assert.equal((await ask('DELETE', { cookie: first.cookie, 'sec-fetch-site': 'cross-site' })).statusCode, 204)
    assert.equal((await ask('GET', { cookie: first.cookie })).statusCode, 200, 'another site signs nobody out')
    await ask('DELETE', { cookie: first.cookie })
    assert.equal((await ask('GET', { cookie: first.cookie })).statusCode, 401)
    const second = await signIn('reader')
    revoked.add('reader')
    assert.equal((await ask('GET', { cookie: second.cookie })).statusCode, 401)
  })

  it('takes a code in the place of a key, once', async () => {
    const { ask, revoked } = serving()
    const inject = async (headers: Record<string, string>) => (await ask('POST', headers, undefined, '/code')).json()
    const { code } = await inject({ authorization: 'Bearer reader' })
    const answer = await ask('POST', {}, { code })
    assert.equal(answer.statusCode, 200)
    const cookie = String(answer.headers['set-cookie']).split(';')[0]
    assert.equal((await ask('GET', { cookie })).json().project, 'shop')
    const again = await ask('POST', {}, { code })
    assert.deepEqual([again.statusCode, again.headers['set-cookie']], [401, undefined])
    assert.match(again.json().message, /used or over a minute old/)

    assert.match((await inject({ authorization: 'Bearer nobody' })).message, /not a key/)
    assert.match((await inject({ authorization: 'Bearer sender' })).message, /not read it/)
    assert.match((await inject({ cookie })).message, /not a key/, 'a session makes no links')
    const { code: late } = await inject({ authorization: 'Bearer reader' })
    revoked.add('reader')
    assert.equal((await ask('POST', {}, { code: late })).statusCode, 401, 'the key was revoked in between')
    assert.equal((await ask('POST', {}, { key: 'reader', code: late })).statusCode, 400)
  })

  it('marks the cookie Secure behind TLS', async () => {
    const { answer } = await serving().signIn('reader', { origin: 'https://mill.example' })
    assert.match(String(answer.headers['set-cookie']), /; Secure$/)
  })
})
