/**
 * Brings a database to the shape this version needs: `NNNN_what.sql` files, each applied once, in order, forward only.
 * What was applied is known by its hash: a file that changed afterwards is refused, and so is a database that a newer
 * version has been at.
 */
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../errors/errors.ts'
import type { Database } from './database.ts'

/** Any number that others do not use: held while migrating (PostgreSQL, "Advisory Locks"). */
const LOCK = 0x6d696c6c
const OLDEST_MAJOR = 14

interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  readonly sha256: string
}

/**
 * All of what is new, or nothing. Processes that start together take turns.
 * @param folder of the files
 * @param schema of the connection, in which they make their tables; made if it does not exist
 * @returns names of the files applied
 * @throws OperatorError as said above, and where the server is older than PostgreSQL 14
 */
export async function migrate(database: Database, folder: string, schema = 'millrace'): Promise<readonly string[]> {
  const migrations = readMigrations(folder)
  return database.transaction(async (connection) => {
    await connection.query('select pg_advisory_xact_lock($1)', [LOCK])
    const [{ version }] = await connection.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    )
    if (version < OLDEST_MAJOR * 10_000) {
      throw new OperatorError(`millrace needs PostgreSQL ${OLDEST_MAJOR} or newer, this one is ${version / 10_000}`)
    }
    await connection.query(`create schema if not exists ${schema}`)
    await connection.query(
      `create table if not exists ${schema}.migrations (
        number int primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`,
    )
    const applied = await connection.query<Omit<Migration, 'sql'>>(`select * from ${schema}.migrations order by number`)
    check(applied, migrations)
    const pending = migrations.slice(applied.length)
    for (const { number, name, sql, sha256 } of pending) {
      await connection.query(sql)
      await connection.query(`insert into ${schema}.migrations (number, name, sha256) values ($1, $2, $3)`, [
        number,
        name,
        sha256,
      ])
    }
    return pending.map(({ name }) => name)
  })
}

function readMigrations(folder: string): Migration[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  return files.sort().map((name, at) => {
    const number = Number(name.slice(0, 4))
    if (number !== at + 1) throw new RangeError(`${folder}: ${name} is not number ${at + 1}`)
    const sql = readFileSync(join(folder, name), 'utf8')
    return { number, name, sql, sha256: hash('sha256', sql, 'hex') }
  })
}

function check(applied: readonly Omit<Migration, 'sql'>[], migrations: readonly Migration[]): void {
  for (const [at, { name, sha256 }] of applied.entries()) {
    const ours = migrations[at]
    if (ours === undefined) {
      throw new OperatorError(`a newer millrace has been at this database (${name}): use that version or newer`)
    }
    if (ours.sha256 !== sha256) {
      throw new OperatorError(
        `the database was migrated by another ${name} than this version has: use the version of millrace that made it`,
      )
    }
  }
}
