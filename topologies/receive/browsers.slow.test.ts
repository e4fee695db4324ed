import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { startReceiver, type TestReceiver } from './testing/receiver.ts'

const SHOP = 'https://shop.example'
const directory = new MemoryDirectory()
  .add('mr_of_the_page', 'p', ['ingest'], [SHOP])
  .add('mr_of_the_server', 'p', ['ingest'])
const body = encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'e' }] }] }] })

describe('telemetry from web pages', () => {
  let receiver: TestReceiver
  before(async () => {
    receiver = await startReceiver(directory, { limits: { lingerMs: 0, drainMs: 1000 } })
  })
  after(() => receiver.close())

  // undici sends an Origin that is set by hand; a browser sets it itself.
  const send = (key: string | null, origin: string | null) =>
    fetch(`http://127.0.0.1:${receiver.ports.http}/v1/logs`, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: {
        'content-type': 'application/x-protobuf',
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(origin !== null && { origin }),
      },
    })

  for (const [key, origin, status] of [
    ['mr_of_the_page', SHOP, 200],
    ['mr_of_the_page', 'https://evil.example', 403],
    ['mr_of_the_page', 'null', 403],
    ['mr_of_the_page', null, 200],
    ['mr_of_the_server', SHOP, 403],
    ['mr_of_the_server', null, 200],
    ['mr_unknown', SHOP, 401],
    [null, SHOP, 401],
  ] as const) {
    it(`are taken or not: ${key ?? 'no key'} from ${origin ?? 'no page'} is ${status}`, async () => {
      const before = (await receiver.records()).length
      const answer = await send(key, origin)
      assert.equal(answer.status, status)
      assert.equal(answer.headers.get('access-control-allow-origin'), origin)
      assert.equal((await receiver.records()).length - before, status === 200 ? 1 : 0)
    })
  }

  it('are asked about beforehand, without a key', async () => {
    const answer = await fetch(`http://127.0.0.1:${receiver.ports.http}/v1/traces`, {
      method: 'OPTIONS',
      headers: {
        origin: SHOP,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
    assert.equal(answer.status, 204)
    assert.equal(answer.headers.get('access-control-allow-origin'), SHOP)
    assert.match(answer.headers.get('access-control-allow-headers')!, /authorization/)
  })
})
