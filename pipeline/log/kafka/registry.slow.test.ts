/** Many processes that start at the same time, on a registry that knows nothing yet. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { OperatorError } from '../../errors/errors.ts'
import { servicesMissing } from '../../testing/services/artifacts.ts'
import { type RegistryServer, startRegistry } from '../../testing/services/registry.ts'
import { Registry } from './registry.ts'

const PROCESSES = 8
const ROUNDS = 10

const record = (fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Word', fields })
const first = record([{ name: 'word', type: 'string' }])
const other = record([{ name: 'other', type: 'string' }])

describe('a registry, asked by many at the same time', { skip: servicesMissing() }, () => {
  let server: RegistryServer
  before(async () => {
    server = await startRegistry()
  })
  after(() => server?.close())
  const registries = () => Array.from({ length: PROCESSES }, () => new Registry({ url: server.url }))

  it('gives all of them the one id of a new schema', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const ids = await Promise.all(registries().map((registry) => registry.register(`new.${round}-value`, first)))
      assert.deepEqual(new Set(ids).size, 1, ids.join())
      const versions = await (await fetch(`${server.url}/subjects/new.${round}-value/versions`)).json()
      assert.deepEqual(versions, [1])
    }
  })

  it('keeps a schema that cannot read the one before away from all of them', async () => {
    await new Registry({ url: server.url }).register('kept-value', first)
    const refused = await Promise.allSettled(registries().map((registry) => registry.register('kept-value', other)))
    for (const result of refused) {
      assert.ok(result.status === 'rejected' && result.reason instanceof OperatorError)
      assert.match(result.reason.message, /cannot read what was written with the one before/)
    }
  })
})
