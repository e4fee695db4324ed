import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createTailServer, logsOf } from '../server/tail/testing/tail_server.ts'
import { rowLine, tail } from './tail.ts'

describe('millrace tail', () => {
  it('prints rows as they come, and goes on where it was when the server ended the connection', async () => {
    await using server = await createTailServer()
    const stop = new AbortController()
    const printed: string[] = []
    let changed = Promise.withResolvers<void>()
    const write = (text: string) => {
      if (text !== '') printed.push(text)
      changed.resolve()
      changed = Promise.withResolvers()
    }
    const target = { url: server.url, key: 'reader' }
    const done = tail(target, "name <> 'x'", { format: 'json' }, write, stop.signal)
    await changed.promise
    await server.append(logsOf(0, ['a', 'x']))
    while (printed.length < 1) await changed.promise
    const { read } = server.log
    server.log.read = () => {
      server.log.read = read
      return Promise.reject(new Error('the disk is away'))
    }
    await server.append(logsOf(1, ['b']))
    while (printed.length < 2) await changed.promise
    stop.abort()
    await done
    assert.deepEqual(
      printed.map((line) => JSON.parse(line).name),
      ['a', 'b'],
    )
  })

  for (const [filter, key, message] of [
    ['level =', 'reader', 'filter: expected a value after =, not the end, at 8'],
    ['', 'wrong', 'This needs an API key (authorization: Bearer <key>), or to be signed in'],
  ] as const) {
    it(`says what the server says: ${message}`, async () => {
      await using server = await createTailServer()
      const target = { url: server.url, key }
      const running = tail(target, filter, { format: 'text' }, () => {}, new AbortController().signal)
      await assert.rejects(running, (error: unknown) => error instanceof OperatorError && error.message === message)
    })
  }

  it('prints an event in a line', () => {
    const row = {
      timestamp: '2026-11-22T10:00:00.123456Z',
      level: 'ERROR',
      kind: 'server',
      name: 'GET /cart',
      resource___service___name: 'shop',
      duration: 12_500_000,
      body: { a: 1 },
      attributes: { 'http.route': '/cart', evil: '\u001b[31m\nx' },
    }
    assert.equal(rowLine(row), '10:00:00.123 ERROR    shop GET /cart {"a":1} 12.5 ms http.route=/cart evil=·[31m↵x')
  })
})
