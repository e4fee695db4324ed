import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { FencedError, OperatorError } from '../errors/errors.ts'
import { createSqliteStateStore } from './sqlite.ts'
import type { StoredState } from './state.ts'

function temporaryFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'state.db')
}

function stateAt(partition: number, offset: number): StoredState {
  const position = { topic: 'in.v1', partition, offset, reached: { 0: offset - 1, 3: 9 }, log: 'a log' }
  return { position, bytes: Uint8Array.of(partition, offset), produces: 'test.out.v1' }
}

describe('the state store', () => {
  it('gives back the last state of each partition, over a restart', async (t) => {
    const file = temporaryFile(t)
    const first = createSqliteStateStore(file)
    for (const state of [stateAt(0, 1), stateAt(1, 5), stateAt(0, 2)]) await first.save('count', state, 1)
    await first.close()
    const second = createSqliteStateStore(file)
    assert.deepEqual(await second.load('count', 'in.v1', 0), stateAt(0, 2))
    assert.deepEqual(await second.load('count', 'in.v1', 1), stateAt(1, 5))
    assert.equal(await second.load('count', 'in.v1', 2), null)
    assert.equal(await second.load('other', 'in.v1', 0), null)
    await second.close()
  })

  it('refuses an older generation, and keeps what the newer saved', async (t) => {
    const store = createSqliteStateStore(temporaryFile(t))
    await store.save('count', stateAt(0, 3), 2)
    await assert.rejects(store.save('count', stateAt(0, 4), 1), FencedError)
    assert.deepEqual(await store.load('count', 'in.v1', 0), stateAt(0, 3))
    await store.close()
  })

  it('forgets one stage, in all partitions', async (t) => {
    const store = createSqliteStateStore(temporaryFile(t))
    for (const partition of [0, 1]) await store.save('count', stateAt(partition, 1), 1)
    await store.save('other', stateAt(0, 1), 1)
    assert.equal(await store.forget('count'), 2)
    assert.equal(await store.forget('count'), 0)
    assert.equal(await store.load('count', 'in.v1', 0), null)
    assert.deepEqual(await store.load('other', 'in.v1', 0), stateAt(0, 1))
    await store.close()
  })

  it('refuses a file of another version and one that is no database, and leaves both as they are', (t) => {
    const older = temporaryFile(t)
    const database = new DatabaseSync(older)
    database.exec('create table state (stage text); pragma user_version = 1')
    database.close()
    assert.throws(() => createSqliteStateStore(older), /has version 1, this program reads 3/)
    const foreign = temporaryFile(t)
    writeFileSync(foreign, 'x'.repeat(5_000))
    assert.throws(
      () => createSqliteStateStore(foreign),
      (error) => {
        return error instanceof OperatorError && /cannot be used to keep the state/.test(error.message)
      },
    )
    const reopened = new DatabaseSync(older)
    assert.deepEqual({ ...reopened.prepare('pragma user_version').get() }, { user_version: 1 })
    reopened.close()
  })
})
