import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import pg from 'pg'
import { OperatorError, TransientError } from '../errors/errors.ts'
import { until } from '../testing/until.ts'
import { createDatabase } from './database.ts'
import { createEmbeddedPostgres } from './embedded_postgres.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A process that has ended may stay in the list until its parent, perhaps a lazy init, asks for it. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0] !== 'Z'
  } catch {
    return false
  }
}

/** A process that runs a server, writes a row and stays. */
async function owner(): Promise<{ child: ChildProcess; serverPid: number }> {
  const program = `
    import { createDatabase } from ${JSON.stringify(join(import.meta.dirname, 'database.ts'))}
    import { createEmbeddedPostgres } from ${JSON.stringify(join(import.meta.dirname, 'embedded_postgres.ts'))}
    const server = await createEmbeddedPostgres({ directory: ${JSON.stringify(directory)} })
    const database = createDatabase({ connection: server.connection })
    await database.query('create table if not exists public.kept (at int)')
    await database.query('insert into public.kept values (1)')
    console.log(server.pid())
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, serverPid: Number(line) }
}

async function rowsKept(): Promise<number> {
  const server = await createEmbeddedPostgres({ directory })
  const database = createDatabase({ connection: server.connection })
  const [{ rows }] = await database.query<{ rows: number }>('select count(*) as rows from public.kept')
  await database.close()
  await server.close()
  return rows
}

describe('an embedded PostgreSQL', () => {
  it('is made in an empty folder, closed to others, and leaves no process behind', async () => {
    const server = await createEmbeddedPostgres({ directory })
    const pid = server.pid()!
    const database = createDatabase({ connection: server.connection })
    assert.deepEqual(await database.query('select 1 as one'), [{ one: 1 }])
    const ports = readFileSync(join(directory, 'data/postmaster.pid'), 'utf8').split('\n')[5]
    assert.equal(ports, '', 'it listens on no address')
    await database.close()
    await server.close()
    assert.ok(!isAlive(pid))
  })

  it('ends by itself where its owner is killed, and has everything afterwards', async () => {
    const { child, serverPid } = await owner()
    child.kill('SIGKILL')
    await until(() => !isAlive(serverPid))
    assert.equal(await rowsKept(), 1)
  })

  it('takes over from a server whose owner and guard were killed', async () => {
    const { child, serverPid } = await owner()
    const guardPid = Number(readFileSync(`/proc/${serverPid}/stat`, 'utf8').split(') ')[1].split(' ')[1])
    child.kill('SIGKILL')
    process.kill(guardPid, 'SIGKILL')
    await once(child, 'exit')
    assert.equal(await rowsKept(), 1)
    assert.ok(!isAlive(serverPid))
  })

  it('is started again where it dies, and who asks meanwhile is told to come again', async () => {
    const warnings: string[] = []
    const server = await createEmbeddedPostgres({ directory, warn: (message) => warnings.push(message) })
    const database = createDatabase({ connection: server.connection })
    await database.query('create table public.kept (at int)')
    const pid = server.pid()!
    process.kill(pid, 'SIGKILL')
    let transient = 0
    await until(async () => {
      try {
        await database.query('insert into public.kept values (1)')
        return server.pid() !== pid
      } catch (error) {
        assert.ok(error instanceof TransientError, String(error))
        transient++
        return false
      }
    })
    assert.ok(transient > 0)
    assert.match(warnings.join('\n'), /starting it again/)
    await database.close()
    await server.close()
  })

  it('is made anew where making it was interrupted', async () => {
    mkdirSync(join(directory, 'data.new'))
    writeFileSync(join(directory, 'data.new/PG_VERSION'), '18')
    const server = await createEmbeddedPostgres({ directory })
    await server.close()
  })

  it('has its socket elsewhere where the path is too long for one', async () => {
    const deep = join(directory, 'a'.repeat(60), 'b'.repeat(60))
    const server = await createEmbeddedPostgres({ directory: deep })
    assert.ok(server.connection.host.length < 90)
    await server.close()
    rmSync(server.connection.host, { recursive: true })
  })

  it('does not follow a link that lies in wait where its socket is to be', async () => {
    const deep = join(directory, 'a'.repeat(60), 'b'.repeat(60))
    mkdirSync(deep, { recursive: true })
    const { dev, ino } = statSync(deep)
    const link = join('/tmp', `millrace-${dev.toString(36)}-${ino.toString(36)}`)
    const target = join(directory, 'of somebody')
    mkdirSync(target, { mode: 0o700 })
    symlinkSync(target, link)
    try {
      await assert.rejects(createEmbeddedPostgres({ directory: deep }), /not ours alone/)
    } finally {
      rmSync(link)
    }
  })

  it('does not run on where its database cannot be made', async () => {
    const server = await createEmbeddedPostgres({ directory })
    const client = new pg.Client({ ...server.connection, database: 'postgres' })
    await client.connect()
    await client.query('drop database millrace')
    await client.query(`alter role millrace in database postgres set default_transaction_read_only = on`)
    await client.end()
    await server.close()
    await assert.rejects(createEmbeddedPostgres({ directory }), /read-only/)
    assert.ok(!existsSync(join(directory, 'data/postmaster.pid')))
  })

  it('says what to do about a folder of another version, and about a damaged one', async () => {
    const data = join(directory, 'data')
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(join(data, 'PG_VERSION'), '12\n')
    await assert.rejects(
      createEmbeddedPostgres({ directory }),
      (error) => error instanceof OperatorError && /made by PostgreSQL 12.*MILLRACE_POSTGRES_URL/.test(error.message),
    )
    writeFileSync(join(data, 'PG_VERSION'), '18\n')
    await assert.rejects(
      createEmbeddedPostgres({ directory }),
      (error) =>
        error instanceof OperatorError && /PostgreSQL ended.*postgresql\.conf|PostgreSQL ended/s.test(error.message),
    )
  })
})
