/** The real psql against the real server. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from '#sinks/lake/pgwire/testing/certificate.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'

function psqlVersion(): string | null {
  try {
    return execFileSync('psql', ['--version']).toString()
  } catch {
    return null
  }
}

const skip = psqlVersion() === null && process.env.CI !== 'true' ? 'psql is not installed' : false

describe('psql', { skip }, () => {
  let server: TestServer
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-psql-'))
    const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
    writeFileSync(certificate, TEST_CERTIFICATE)
    writeFileSync(key, TEST_CERTIFICATE_KEY)
    server = await startServer({ env: { MILLRACE_TLS_CERT: certificate, MILLRACE_TLS_KEY: key } })
    const logRecords = Array.from({ length: 3 }, (_, at) => ({
      timeUnixNano: '1795364400000000000',
      severityNumber: 17,
      body: { stringValue: `payment failed: "${at}"` },
      attributes: [{ key: 'at', value: { intValue: String(at) } }],
    }))
    const service = { key: 'service.name', value: { stringValue: 'shop' } }
    const response = await fetch(`${server.otlpUrl}/v1/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ resourceLogs: [{ resource: { attributes: [service] }, scopeLogs: [{ logRecords }] }] }),
    })
    assert.equal(response.status, 200)
    while (Number((await server.query('select count(*) from otel_logs_and_spans'))[0][0]) < 3);
  })
  after(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** What psql prints for a script, standard output and error together. */
  const psql = async (script: string, environment: Record<string, string> = {}, ...parameters: string[]) => {
    const env = { ...process.env, PGSSLMODE: 'disable', ...environment }
    const run = promisify(execFile)('psql', ['-X', ...parameters, server.sqlUrl], { env })
    run.child.stdin!.end(script)
    const { stdout, stderr } = await run
    return stdout + stderr
  }

  it('shows rows', async () => {
    const sql =
      "select timestamp, level, body, attributes->>'at' as place, resource___service___name as service from otel_logs_and_spans order by place;"
    assert.equal(
      await psql(sql, {}, '-A'),
      [
        'timestamp|level|body|place|service',
        ...[0, 1, 2].map((at) => `2026-11-22 16:20:00+00|ERROR|"payment failed: \\"${at}\\""|${at}|shop`),
        '(3 rows)\n',
      ].join('\n'),
    )
  })

  it('describes what there is', async () => {
    const shown = await psql(
      '\\conninfo\n\\d\n\\dt+\n\\d otel_logs_and_spans\n\\d+ otel_metrics\n\\l\n\\dn\n\\du\n\\df\n\\dv\n\\di\n\\dp\n\\dx\n\\dT\n',
    )
    assert.doesNotMatch(shown, /ERROR|FATAL|WARNING/)
    assert.match(shown, /You are connected to database "millrace" as user "default"/)
    assert.match(shown, /public \| otel_logs_and_spans \| table \| millrace/)
    assert.match(shown, /timestamp +\| timestamp with time zone \| +\| not null/)
    assert.match(shown, /hashes +\| text\[\] /)
    assert.match(shown, /millrace \| millrace \| UTF8/)
  })

  it('points at the fault', async () => {
    assert.match(
      await psql('select 1;\nselect nope(1),\n  2;\n'),
      /ERROR: {2}there is no function nope here\nLINE 1: select nope\(1\),\n {15}\^/,
    )
  })

  it('fetches by cursor', async () => {
    const sql = 'select generate_series from generate_series(1, 25);'
    const rows = Array.from({ length: 25 }, (_, at) => `${at + 1}\n`).join('')
    assert.equal(await psql(`\\set FETCH_COUNT 10\n${sql}\n`, {}, '-At'), rows)
  })

  it('prepares, within transactions, with a time for statements', async () => {
    const script = `
      begin; select 1 as one; commit;
      set statement_timeout = '100ms';
      select count(*) from range(100000000000) a;
      reset statement_timeout;
      select 2 as two \\gdesc
      select $1::int + 1 as three \\bind 2 \\g
    `
    const shown = await psql(script, {}, '-At')
    assert.match(shown, /BEGIN\n1\nCOMMIT\nSET\n/)
    assert.match(shown, /canceled|took longer/)
    assert.match(shown, /two\|integer/)
  })

  it('encrypts, and checks the certificate', async () => {
    const environment = { PGSSLMODE: 'verify-ca', PGSSLROOTCERT: join(folder, 'tls.crt') }
    assert.match(await psql('\\conninfo', environment), /SSL connection \(protocol: TLSv1\.3/)
  })

  it('hears why it may not come in', async () => {
    const wrong = promisify(execFile)('psql', ['-X', server.sqlUrl.replace(TEST_KEY, 'wrong'), '-c', 'select 1'])
    await assert.rejects(wrong, /password authentication failed for user "default"/)
  })
})
