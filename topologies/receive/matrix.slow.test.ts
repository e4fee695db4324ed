/** Every protocol × signal × way to carry a key, sent by the official exporters. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { inspect } from '#schemas/otlp/inspect.ts'
import { transcodeJson } from '#schemas/otlp/json.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { EVENTS_SENT, PROTOCOLS, type Protocol, sendOne } from './testing/exporters.ts'
import { startReceiver } from './testing/receiver.ts'

const KEY = 'mr_0123456789abcdefghijABCDEFGHIJ01'
const REVOKED = 'mr_revoked9abcdefghijABCDEFGHIJ0123'
const WRONG = 'mr_wrong6789abcdefghijABCDEFGHIJ012'
const PROJECT = '6f1c3e1c-6f6e-4a40-9a86-0a6e3a2a3e11'

const CREDENTIALS: Record<
  string,
  { headers?: Record<string, string>; resource?: Record<string, string>; ok: boolean }
> = {
  Bearer: { headers: { authorization: `Bearer ${KEY}` }, ok: true },
  'x-api-key': { headers: { 'x-api-key': KEY }, ok: true },
  'resource attribute': { resource: { 'x-api-key': KEY }, ok: true },
  'wrong key': { headers: { authorization: `Bearer ${WRONG}` }, ok: false },
  'wrong key in a resource attribute': { resource: { 'x-api-key': WRONG }, ok: false },
  'revoked key': { headers: { authorization: `Bearer ${REVOKED}` }, ok: false },
  'no key': { ok: false },
}

const REFUSED: Record<Protocol, number> = { grpc: 16, 'http/protobuf': 401, 'http/json': 401 }

const directory = new MemoryDirectory().add(KEY, PROJECT).add(REVOKED, PROJECT).revoke(REVOKED)

for (const protocol of PROTOCOLS) {
  for (const signal of SIGNALS) {
    for (const [name, { ok, ...credentials }] of Object.entries(CREDENTIALS)) {
      for (const gzip of [false, true]) {
        test(`${protocol}, ${signal}, ${name}${gzip ? ', gzip' : ''}: ${ok ? 'stored' : 'refused'}`, async () => {
          const receiver = await startReceiver(directory, { limits: { lingerMs: 1 } })
          const error = await sendOne({ protocol, signal, ports: receiver.ports, gzip, ...credentials })
          await receiver.close()
          const records = await receiver.records()
          if (!ok) {
            assert.equal((error as { code?: number } | null)?.code, REFUSED[protocol])
            assert.deepEqual(records, [])
            return
          }
          assert.equal(error, null)
          assert.equal(records.length, 1)
          const [{ projectId, signal: stored, exports }] = records
          assert.deepEqual([projectId, stored, exports.length], [PROJECT, signal, 1])
          const [part] = exports
          assert.equal(part.eventCount, EVENTS_SENT)
          assert.equal(part.contentType, protocol === 'http/json' ? 'application/json' : 'application/x-protobuf')
          const protobuf = part.contentType === 'application/json' ? transcodeJson(part.body, signal) : part.body
          assert.equal(inspect(protobuf, signal).eventCount, EVENTS_SENT)
          assert.ok(Buffer.from(part.body).includes('checkout'))
          assert.ok(!Buffer.from(part.body).includes(KEY), 'the key is nowhere in what is stored')
        })
      }
    }
  }
}
