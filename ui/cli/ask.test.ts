import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { ask } from './ask.ts'

async function answering(answer: (response: ServerResponse) => void, work: (url: string) => Promise<void>) {
  const server = createServer((request, response) => {
    assert.deepEqual([request.method, request.url], ['POST', '/v1/query'])
    assert.equal(request.headers.authorization, 'Bearer k')
    request.resume().on('end', () => answer(response))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
}

it('gives columns and rows', () => {
  const reply = { columns: [{ name: 'one', type: 'integer' }], rows: [[1]], truncated: false }
  return answering(
    (response) => response.end(JSON.stringify(reply)),
    async (url) => assert.deepEqual(await ask({ url, key: 'k' }, 'select 1'), reply),
  )
})

it('says what the server says, and marks the place', () =>
  answering(
    (response) => response.writeHead(400).end(JSON.stringify({ detail: 'no such column', position: 12 })),
    (url) =>
      assert.rejects(ask({ url, key: 'k' }, 'select 1,\n  x'), (error: Error) => {
        assert.ok(error instanceof OperatorError)
        assert.equal(error.message, 'no such column\n    x\n   ^')
        return true
      }),
  ))

it('says so where the answer is broken off, or is none of ours', async () => {
  await answering(
    (response) => {
      response.write('{"columns":[')
      setImmediate(() => response.destroy())
    },
    (url) => assert.rejects(ask({ url, key: 'k' }, 'select 1'), OperatorError),
  )
  await answering(
    (response) => response.writeHead(502).end('<html>'),
    (url) => assert.rejects(ask({ url, key: 'k' }, 'select 1'), /answered 502/),
  )
})
