/** Whatever comes over the wire, the server stays up, ends or answers, and serves the next client. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { ByteReader } from './byte_reader.ts'
import { ProtocolError, parseMessage } from './frontend_messages.ts'
import { KEY } from './testing/directory.ts'
import { startTestServer, type TestServer } from './testing/server.ts'
import { cstring, int16, int32, WireClient } from './testing/wire_client.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const type = fc.constantFrom(...'QPBDECSHXpdcfF!\0'.split(''))
const word = fc.constantFrom('', 'a', 'SELECT 1', 'SELECT $1', 'SET x = 1', "'", ';', 'BEGIN', 'SHOW x', '\u{10ffff}')

/** Messages that are nearly right. */
const body = fc.oneof(
  bytes,
  word.map(cstring),
  fc.tuple(word, word).map(([one, other]) => Buffer.concat([cstring(one), cstring(other), int16(0)])),
  fc.tuple(word, word, bytes).map(([one, other, rest]) => Buffer.concat([cstring(one), cstring(other), rest])),
  fc.tuple(word, fc.integer()).map(([name, count]) => Buffer.concat([cstring(name), int32(count | 0)])),
  fc.tuple(fc.constantFrom('S', 'P', 'x'), word).map(([what, name]) => cstring(what + name)),
)
const message = fc.tuple(type, body).map(([letter, content]) => ({ letter, content }))

describe('whatever comes', () => {
  let test: TestServer
  before(async () => {
    test = await startTestServer()
  })
  after(async () => {
    await test.close()
  })

  const stillServes = async () => {
    const client = await WireClient.open(test.port, 'default', KEY)
    client.query('SELECT 1')
    assert.deepEqual((await client.untilReady()).rows, [['1']])
    client.close()
    assert.deepEqual(test.errors, [])
  }

  it('instead of a startup message', async () => {
    const start = fc.oneof(
      bytes,
      fc
        .tuple(fc.constantFrom(196_608, 80_877_102, 80_877_103, 80_877_104, 0), bytes)
        .map(([code, rest]) => Buffer.concat([int32(rest.length + 8), int32(code), rest])),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(start, { maxLength: 4 }), async (parts) => {
        const client = await WireClient.connect(test.port)
        client.socket.end(Buffer.concat(parts))
        await client.untilClosed()
      }),
      { numRuns: 200 },
    )
    await stillServes()
  })

  it('instead of a password', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 3 }), async (messages) => {
        const client = await WireClient.connect(test.port)
        client.startup({ user: 'default', database: 'millrace' })
        for (const { letter, content } of messages) client.send(letter, content)
        client.socket.end()
        const error = await client.untilClosed()
        assert.ok(error === null || error.S === 'FATAL')
      }),
      { numRuns: 100 },
    )
    await stillServes()
  })

  it('within a session', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 12 }), fc.option(bytes), async (messages, tail) => {
        const client = await WireClient.open(test.port, 'default', KEY)
        for (const { letter, content } of messages) client.send(letter, content)
        // Cut off in the middle of a message, or at its end.
        client.socket.end(tail ?? Buffer.alloc(0))
        await client.untilClosed()
      }),
      { numRuns: 100 },
    )
    await stillServes()
  })

  it('a message is read or refused, never half', () => {
    fc.assert(
      fc.property(type, body, (letter, content) => {
        try {
          assert.equal(typeof parseMessage(letter, content).type, 'string')
        } catch (cause) {
          assert.ok(cause instanceof ProtocolError, String(cause))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('bytes come out as they went in, however they were cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 20 }), fc.array(fc.nat(50)), async (pieces, counts) => {
        const socket = new PassThrough()
        const reader = new ByteReader(socket)
        for (const piece of pieces) socket.write(piece)
        socket.end()
        const all = Buffer.concat(pieces)
        let at = 0
        for (const count of counts) {
          const read = await reader.read(count)
          assert.deepEqual(read, at + count > all.length ? null : all.subarray(at, at + count))
          if (read !== null) at += count
        }
      }),
    )
  })
})
