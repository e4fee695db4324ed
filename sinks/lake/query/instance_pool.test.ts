import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProjectInstance } from './instance.ts'
import { createInstancePool } from './instance_pool.ts'

function counting(maxInstances: number, fail: ReadonlySet<string> = new Set()) {
  const events: string[] = []
  const pool = createInstancePool(maxInstances, async (projectId) => {
    if (fail.has(projectId)) throw new Error(`no room for ${projectId}`)
    events.push(`open ${projectId}`)
    return { close: () => events.push(`close ${projectId}`) } as unknown as ProjectInstance
  })
  return { pool, events }
}
const nothing = async () => {}

describe('instances', () => {
  it('are kept up to the bound; the one unused for longest makes room', async () => {
    const { pool, events } = counting(2)
    for (const project of ['a', 'b', 'a', 'c', 'a', 'b']) await pool.use(project, nothing)
    assert.deepEqual(events, ['open a', 'open b', 'open c', 'close b', 'open b', 'close c'])
    assert.equal(pool.size, 2)
  })

  it('are not closed while at work; when all are, another project is refused', async () => {
    const { pool, events } = counting(1)
    const work = Promise.withResolvers<void>()
    const busy = pool.use('a', () => work.promise)
    await assert.rejects(pool.use('b', nothing), RangeError)
    await pool.use('a', nothing)
    assert.deepEqual(events, ['open a'])
    work.resolve()
    await busy
    await pool.use('b', nothing)
    assert.ok(events.includes('close a'))
  })

  it('that cannot be made are not kept', async () => {
    const fail = new Set(['a'])
    const { pool } = counting(2, fail)
    await assert.rejects(pool.use('a', nothing), /no room/)
    assert.equal(pool.size, 0)
    fail.clear()
    await pool.use('a', nothing)
    assert.equal(pool.size, 1)
    await pool.close()
    assert.equal(pool.size, 0)
  })
})
