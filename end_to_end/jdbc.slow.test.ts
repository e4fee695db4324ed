/** PostgreSQL's JDBC driver, as BI tools have it, against the real server. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from '#sinks/lake/pgwire/testing/certificate.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

const run = promisify(execFile)
const VERSION = '42.7.4'
const CACHE = join(import.meta.dirname, '../node_modules/.cache/jdbc')
const JAR = join(CACHE, `postgresql-${VERSION}.jar`)

function isInstalled(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const hasTools = isInstalled('javac', '--version') && (existsSync(JAR) || isInstalled('mvn', '--version'))
const skip = !hasTools && process.env.CI !== 'true' ? 'there is no JDK or no Maven' : false

/** The driver from Maven Central, once. */
async function fetchDriver(): Promise<void> {
  if (existsSync(JAR)) return
  mkdirSync(CACHE, { recursive: true })
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'
  const artifact = `-Dartifact=org.postgresql:postgresql:${VERSION}`
  await run('mvn', ['-B', '-q', plugin, artifact, `-DoutputDirectory=${CACHE}`], { cwd: CACHE })
}

describe('the JDBC driver', { skip }, () => {
  let server: TestServer
  let folder: string
  const said = new Map<string, string[]>()
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-jdbc-'))
    const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
    writeFileSync(certificate, TEST_CERTIFICATE)
    writeFileSync(key, TEST_CERTIFICATE_KEY)
    await fetchDriver()
    server = await startServer({ env: { MILLRACE_TLS_CERT: certificate, MILLRACE_TLS_KEY: key } })
    const logRecords = [1, 2, 3].map((at) => ({
      timeUnixNano: `179536440000000${at}000`,
      severityNumber: 17,
      severityText: 'ERROR',
      body: { stringValue: `failed ${at}` },
    }))
    const response = await fetch(`${server.otlpUrl}/v1/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
    })
    assert.equal(response.status, 200)
    while (Number((await server.query('select count(*) from otel_logs_and_spans'))[0][0]) < 3);
    const { host, pathname } = new URL(server.sqlUrl)
    const client = join(import.meta.dirname, 'testing/jdbc_client.java')
    const { stdout } = await run('java', ['-cp', JAR, client, `jdbc:postgresql://${host}${pathname}`, TEST_KEY])
    for (const line of stdout.trim().split('\n')) {
      const [what, answer] = line.split(/: (.*)/)
      said.set(what, [...(said.get(what) ?? []), answer])
    }
  })
  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const says = (what: string, ...answers: string[]) => assert.deepEqual(said.get(what), answers, what)

  it('connects with and without TLS', () => says('connected', 'disable', 'require'))

  it('finds tables and columns', () => {
    says('product', 'PostgreSQL true')
    says('tables', '[otel_logs_and_spans, otel_metrics]')
    const times = ['timestamp timestamptz NO', 'observed_timestamp timestamptz YES', 'start_time timestamptz YES']
    says('columns', `[${[...times, 'end_time timestamptz YES', 'timestamp_nanos int4 YES'].join(', ')}]`)
    says('types', 'true')
    for (const none of ['primary keys', 'imported keys', 'indexes']) says(none, '[]')
  })

  it('runs prepared statements, as text at first and later as named ones with binary values', () => {
    const row = (at: number) => `"failed ${at}" 17 2026-11-22T16:20:00.00000${at}Z true`
    says('rows', ...Array(7).fill(`[${row(1)}, ${row(2)}]`))
    says('values', ...Array(7).fill('1.5 true 2026-01-02 7 anull 0.25 null'))
    says('described', 'timestamptz')
    says('offset time', '3')
  })

  it('fetches by a cursor in a transaction', () => says('fetched by cursor', String((175 * 176) / 2)))

  it('tells errors by SQLSTATE, and a failed transaction', () => {
    assert.match(said.get('error')![0], /^42703 .*nothing/)
    says('failed in a transaction', '42703')
    says('after it', '25P02')
    says('valid', 'true')
  })

  it('knows the session', () => {
    says('read only', 'true')
    says('isolation', 'true')
    says('catalog and schema', 'millrace public')
  })
})
