/**
 * One process owns a data folder. The lock is the operating system's, held through SQLite on the file `lock`, so it
 * goes with its process however that ends, and a process id that is used again, or one of another container, fools
 * nobody. `owner.json` only says who it is.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../../errors/errors.ts'

interface Owner {
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

export interface Lock {
  release(): void
}

/** @throws OperatorError where a live process has it, saying which and what to do */
export function acquireLock(directory: string): Lock {
  const ownerPath = join(directory, 'owner.json')
  const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
  try {
    database.exec('begin exclusive')
  } catch (cause) {
    database.close()
    throw new OperatorError(`the data folder ${directory} ${describe(ownerPath)}`, { cause })
  }
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  writeFileSync(ownerPath, JSON.stringify(owner))
  return {
    release() {
      rmSync(ownerPath, { force: true })
      database.close()
    },
  }
}

function describe(ownerPath: string): string {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(ownerPath, 'utf8')) as Owner
    return `is in use by process ${pid} on ${host} since ${since}: stop that one, or choose another folder`
  } catch {
    return 'is in use by another process: stop that one, or choose another folder'
  }
}
