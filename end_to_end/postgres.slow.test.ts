/** A PostgreSQL of one's own that is away, at the start and in mid-flight: ingestion goes on, revoking works once it is back. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createDatabase, type Database } from '#pipeline/postgres/database.ts'
import { createEmbeddedPostgres, type EmbeddedPostgres } from '#pipeline/postgres/embedded_postgres.ts'
import { until } from '#pipeline/testing/until.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import { createKey, revokeKey } from '#ui/server/directory/keys.ts'
import { startServer, type TestServer } from './server.ts'

describe('a PostgreSQL that is away', () => {
  let folder: string
  let postgres: EmbeddedPostgres
  let database: Database
  let millrace: TestServer
  let key: string
  let keyId: string
  let projectId: string
  let sent = 0

  const startPostgres = async () => {
    postgres = await createEmbeddedPostgres({ directory: join(folder, 'postgres') })
    const { host, user, database: name } = postgres.connection
    database = createDatabase({ connection: postgres.connection })
    return `postgres://${user}@/${name}?host=${encodeURIComponent(host)}`
  }
  const stopPostgres = async () => {
    await database.close()
    await postgres.close()
  }
  const send = async () => {
    const body = encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: `e${sent}` }] }] }] })
    const headers = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${key}` }
    const url = `${millrace.otlpUrl}/v1/logs`
    const { status } = await fetch(url, { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> })
    if (status === 200) sent++
    return status
  }
  const stored = async () => Number((await millrace.query('select count(*) from otel_logs_and_spans'))[0][0])
  let env: Record<string, string>

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-away-'))
    env = { MILLRACE_POSTGRES_URL: await startPostgres() }
    millrace = await startServer({ dataDir: join(folder, 'data'), env })
    const [project] = await database.query<{ id: string }>(`select id from projects where name = 'default'`)
    projectId = project.id
    const made = await createKey(database, { projectId, name: 'sender', scopes: ['ingest'] })
    key = made.key
    keyId = made.stored.id
    await until(async () => (await send()) === 200)
  })
  after(async () => {
    await millrace?.stop()
    await stopPostgres()
    rmSync(folder, { recursive: true, force: true })
  })

  it('in mid-flight does not hold up ingestion', async () => {
    await stopPostgres()
    for (let times = 0; times < 20; times++) assert.equal(await send(), 200)
    await until(async () => (await stored()) === sent)
    await startPostgres()
    assert.equal(await send(), 200)
  })

  it('at the start leaves the keys that were known', async () => {
    assert.equal(await millrace.stop(), 0)
    await stopPostgres()
    millrace = await startServer({ dataDir: join(folder, 'data'), env })
    assert.equal(await send(), 200)
    await until(async () => (await stored()) === sent)
    assert.match(millrace.output(), /PostgreSQL: .*trying again/)
  })

  it('once back, ends what is revoked within seconds', async () => {
    await startPostgres()
    await revokeKey(database, projectId, keyId)
    const revoked = performance.now()
    await until(async () => (await send()) === 401)
    const tookMs = performance.now() - revoked
    assert.ok(tookMs < 10_000, `${tookMs} ms`)
    assert.equal(await stored(), sent)
  })
})
