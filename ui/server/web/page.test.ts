import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import fastify from 'fastify'
import { pageRoute } from './page.ts'

const script = 'console.log(1)'

function serving(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'))
  context.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  writeFileSync(join(folder, 'secret.txt'), 'not a kind of file a page has')
  writeFileSync(join(folder, 'assets/app-1a2b.js'), script)
  writeFileSync(join(folder, 'assets/app-1a2b.js.br'), brotliCompressSync(script))
  const server = fastify().register(pageRoute(folder))
  return (url: string, headers = {}) => server.inject({ url, headers })
}

test('any place of the page is the page, never cached', async (context) => {
  const get = serving(context)
  for (const url of ['/', '/index.html', '/trace/7c0e?span=1', '/secret.txt', '/assets/../index.html']) {
    const answer = await get(url)
    assert.deepEqual([answer.statusCode, answer.body], [200, '<!doctype html>'], url)
    assert.equal(answer.headers['cache-control'], 'no-cache')
    assert.match(String(answer.headers['content-type']), /^text\/html/)
  }
})

test('files with a hash in their names are kept for ever, and come compressed to who takes it', async (context) => {
  const get = serving(context)
  const plain = await get('/assets/app-1a2b.js')
  assert.match(String(plain.headers['cache-control']), /immutable/)
  assert.deepEqual([plain.body, plain.headers['content-encoding']], [script, undefined])
  const small = await get('/assets/app-1a2b.js', { 'accept-encoding': 'gzip, deflate, br' })
  assert.equal(small.headers['content-encoding'], 'br')
  assert.equal(brotliDecompressSync(small.rawPayload).toString(), script)
  const refused = await get('/assets/app-1a2b.js', { 'accept-encoding': 'br;q=0, gzip' })
  assert.equal(refused.headers['content-encoding'], undefined, 'there is no gzip of it')
})

test('what the API and the build do not have is an error, not the page', async (context) => {
  const get = serving(context)
  for (const url of ['/v1/nothing', '/assets/gone-9f9f.js', '/assets/../../package.json'])
    assert.notEqual((await get(url)).body.slice(0, 1), '{"na', url)
  assert.equal((await get('/v1/nothing')).statusCode, 404)
  assert.equal((await get('/assets/gone-9f9f.js')).statusCode, 404)
})

test('where nothing is built it says so', async () => {
  const answer = await fastify().register(pageRoute('/nowhere/at/all')).inject('/')
  assert.equal(answer.statusCode, 503)
  assert.match(answer.body, /npm run build/)
})
