/** The S3 store on a real server, and on one that answers as networks do. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { describeObjectStore } from './conformance.ts'
import type { ObjectStore } from './object_store.ts'
import { createS3Store } from './s3_store.ts'
import { S3_ENVIRONMENT, type S3Server, startS3 } from './testing/s3_server.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

const server = await startS3()
after(() => server?.close())

test('a server could be started', { skip: server === null && 'no Python with moto could be set up' }, () => {})

if (server !== null) {
  describeObjectStore('a store in a bucket', async (work) =>
    work(createS3Store({ bucket: await server.bucket(), prefix: 'a/prefix', endpoint: server.endpoint })),
  )
  describeObjectStore('a store that has a bucket to itself', async (work) =>
    work(createS3Store({ bucket: await server.bucket(), prefix: '', endpoint: server.endpoint })),
  )
  describe('a bucket', () => betweenStores(server))
}

function betweenStores(s3: S3Server): void {
  test('shared by two prefixes shows neither the objects of the other', async () => {
    const bucket = await s3.bucket()
    const [one, two] = ['one', 'one-two'].map((prefix) => createS3Store({ bucket, prefix, endpoint: s3.endpoint }))
    await one.put('x', bytes('1'))
    await two.put('y', bytes('2'))
    assert.deepEqual(
      (await one.list('')).map(({ key }) => key),
      ['x'],
    )
    assert.equal(await two.get('x'), null)
  })

  test('that does not exist is no missing object', async () => {
    const store = createS3Store({ bucket: 'not-there', prefix: '', endpoint: s3.endpoint })
    await assert.rejects(store.get('x'), { name: 'TransientError', message: /^s3:\/\/not-there.*NoSuchBucket/ })
    await assert.rejects(store.list(''), { name: 'TransientError' })
    await assert.rejects(store.putIfAbsent('x', bytes('')), { name: 'TransientError' })
  })
}

describe('answers that go wrong', () => {
  before(() => Object.assign(process.env, S3_ENVIRONMENT))

  /** A store whose server answers like this. */
  async function answering(
    listener: RequestListener,
    work: (store: ObjectStore) => Promise<void>,
    timeoutMs = 20_000,
  ): Promise<void> {
    const http = createServer((request, response) => {
      request.resume().once('end', () => listener(request, response))
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    try {
      const endpoint = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
      await work(createS3Store({ bucket: 'bucket', prefix: '', endpoint, timeoutMs }))
    } finally {
      http.closeAllConnections()
      http.close()
    }
  }
  const xml = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>words</Message></Error>`
  const counted = (listener: RequestListener) => {
    const seen = { count: 0 }
    const counting: RequestListener = (request, response) => {
      seen.count++
      listener(request, response)
    }
    return { seen, counting }
  }

  test('a conditional write is sent once and its 409 may have been stored; other calls are repeated', async () => {
    const { seen, counting } = counted((_, response) => {
      response.writeHead(409, { 'content-type': 'application/xml' }).end(xml('ConditionalRequestConflict'))
    })
    await answering(counting, async (store) => {
      await assert.rejects(store.putIfAbsent('x', bytes('x')), {
        name: 'TransientError',
        message: /ConditionalRequestConflict: words/,
      })
      assert.equal(seen.count, 1)
    })
    const busy = counted((_, response) => {
      response.writeHead(503, { 'content-type': 'application/xml' }).end(xml('SlowDown'))
    })
    await answering(busy.counting, async (store) => {
      await assert.rejects(store.putIfAbsent('x', bytes('x')), { name: 'TransientError', message: /SlowDown/ })
      assert.equal(busy.seen.count, 1)
      await assert.rejects(store.put('x', bytes('x')), { name: 'TransientError', message: /SlowDown/ })
      assert.equal(busy.seen.count, 4)
    })
  })

  test('a key that is taken is 412', () =>
    answering(
      (request, response) => {
        assert.equal(request.headers['if-none-match'], '*')
        response.writeHead(412, { 'content-type': 'application/xml' }).end(xml('PreconditionFailed'))
      },
      async (store) => assert.equal(await store.putIfAbsent('x', bytes('x')), false),
    ))

  test('silence ends at the time limit, before an answer and within one', async () => {
    await answering(
      () => {},
      (store) =>
        assert.rejects(store.putIfAbsent('x', bytes('x')), { name: 'TransientError', message: /within 300 ms/ }),
      300,
    )
    await answering(
      (_, response) => response.writeHead(200, { 'content-length': '10' }).write('half'),
      (store) => assert.rejects(store.get('x'), { name: 'TransientError', message: /within 300 ms/ }),
      300,
    )
  })

  test('an answer that breaks off is no object', () =>
    answering(
      (_, response) => {
        response.writeHead(200, { 'content-length': '10' })
        response.write('half', () => response.destroy())
      },
      (store) => assert.rejects(store.get('x'), { name: 'TransientError' }),
    ))

  test('what DeleteObjects refuses by key is told', () =>
    answering(
      (_, response) => {
        const error = '<Error><Key>b</Key><Code>AccessDenied</Code><Message>locked</Message></Error>'
        response
          .writeHead(200, { 'content-type': 'application/xml' })
          .end(`<?xml version="1.0"?><DeleteResult>${error}</DeleteResult>`)
      },
      (store) =>
        assert.rejects(store.delete(['a', 'b']), {
          name: 'TransientError',
          message: /1 objects are still there, the first of them b: AccessDenied locked/,
        }),
    ))

  test('nobody at the address is a TransientError', async () => {
    const store = createS3Store({ bucket: 'bucket', prefix: '', endpoint: 'http://127.0.0.1:1' })
    await assert.rejects(store.get('x'), { name: 'TransientError', message: /ECONNREFUSED/ })
  })
})
