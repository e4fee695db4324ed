import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { OperatorError } from '../errors/errors.ts'
import { describeStateStore } from './conformance.ts'
import { createSqliteStateStore } from './sqlite.ts'

function temporaryFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'state.db')
}

describeStateStore('the state store in SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'))
  const file = join(folder, 'state.db')
  const opened = [createSqliteStateStore(file)]
  return {
    states: opened[0],
    async reopen() {
      await opened[0].close()
      opened[0] = createSqliteStateStore(file)
      return opened[0]
    },
    async close() {
      await opened[0].close()
      rmSync(folder, { recursive: true })
    },
  }
})

describe('a state file', () => {
  it('of another version, and one that is no database, are refused and left as they are', (t) => {
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
