/** A PostgreSQL of one's own: another version than ours, over TCP and TLS, with a password. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { unprivileged } from '#pipeline/postgres/unprivileged.ts'
import { freePorts } from '#pipeline/testing/services/ports.ts'
import { until } from '#pipeline/testing/until.ts'
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from '#sinks/lake/pgwire/testing/certificate.ts'
import { startServer, TEST_KEY } from './server.ts'

const initdb = globSync('/usr/lib/postgresql/*/bin/initdb').sort().at(-1)
const skip = initdb === undefined && 'there is no PostgreSQL server: apt-get install postgresql'
const PASSWORD = 'a password of the database'

interface OwnPostgres {
  readonly port: number
  readonly certificateFile: string
  readonly folder: string
  close(): Promise<void>
}

/** Debian's PostgreSQL with TLS and SCRAM, in a folder of the test's. */
async function startOwnPostgres(bin: string): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-own-'))
  const person = unprivileged()
  const file = (name: string, content: string) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    chmodSync(path, 0o600)
    person?.own(path)
    return path
  }
  const command = person?.command ?? []
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  person?.own(folder)
  person?.own(data)
  const passwordFile = file('password', PASSWORD)
  const [program, ...args] = [...command, join(bin, 'initdb'), '-D', data, '-U', 'millrace', '-A', 'scram-sha-256']
  execFileSync(program, [...args, `--pwfile=${passwordFile}`, '--no-sync'], { cwd: '/', stdio: 'ignore' })
  const [port] = await freePorts(1)
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: file('server.crt', TEST_CERTIFICATE),
    ssl_key_file: file('server.key', TEST_CERTIFICATE_KEY),
  }
  const [server, ...flags] = [...command, join(bin, 'postgres'), '-D', data]
  const child = spawn(
    server,
    [...flags, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { cwd: '/', stdio: 'ignore' },
  )
  await until(async () => {
    const client = new pg.Client(`postgres://millrace:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`)
    client.on('error', () => {})
    return client.connect().then(
      async () => {
        await client.query('create database millrace')
        await client.end()
        return true
      },
      () => false,
    )
  })
  return {
    port,
    folder,
    certificateFile: file('root.crt', TEST_CERTIFICATE),
    async close() {
      child.kill('SIGINT')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describe('a PostgreSQL of one’s own', { skip }, () => {
  let postgres: OwnPostgres
  before(async () => {
    postgres = await startOwnPostgres(dirname(initdb!))
  })
  after(() => postgres?.close())

  const url = (password: string, more = '') =>
    `postgres://millrace:${encodeURIComponent(password)}@localhost:${postgres.port}/millrace?${more}`
  const verified = () => `sslmode=verify-full&sslrootcert=${postgres.certificateFile}`

  it('holds projects, keys and projections, over TLS', async () => {
    const dataDir = join(postgres.folder, 'millrace')
    const server = await startServer({ dataDir, env: { MILLRACE_POSTGRES_URL: url(PASSWORD, verified()) } })
    try {
      const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
      const made = await fetch(`${server.httpUrl}/v1/keys`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ name: 'sender', scopes: ['ingest'] }),
      })
      assert.equal(made.status, 201)
      const { key } = (await made.json()) as { key: string }
      const sent = await fetch(`${server.otlpUrl}/v1/logs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'one' }, {}] }] }] }),
      })
      assert.equal(sent.status, 200)
      const client = new pg.Client({ connectionString: url(PASSWORD, verified()) })
      await client.connect()
      try {
        await until(async () => {
          const { rows } = await client.query('select stored::int from millrace.ledger')
          return rows[0]?.stored === 2
        })
        const { rows } = await client.query(
          `select bool_and(ssl) as all_ssl, count(*)::int > 1 as connected
           from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'millrace'`,
        )
        assert.deepEqual(rows, [{ all_ssl: true, connected: true }])
      } finally {
        await client.end()
      }
    } finally {
      assert.equal(await server.stop(), 0)
    }
  })

  it('that does not prove itself, or refuses us, ends the start with a sentence', async () => {
    for (const [given, message] of [
      [url(PASSWORD, 'sslmode=verify-full'), /self-signed certificate/],
      [url('another password', verified()), /refuses millrace.*MILLRACE_POSTGRES_URL/],
    ] as const) {
      const dataDir = join(postgres.folder, 'refused')
      await assert.rejects(startServer({ dataDir, env: { MILLRACE_POSTGRES_URL: given } }), (error: Error) => {
        assert.match(error.message, /ended with code 2/)
        assert.match(error.message, message)
        assert.ok(!error.message.includes(PASSWORD) && !error.message.includes('another password'))
        return true
      })
    }
  })
})
