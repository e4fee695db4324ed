import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { readSettings } from './settings.ts'

describe('settings', () => {
  it('have the defaults of the contract', () => {
    const settings = readSettings({ HOME: '/root' })
    const { otlpGrpcPort, otlpHttpPort, httpPort, sqlPort, tls, bind } = settings
    assert.deepEqual(
      { otlpGrpcPort, otlpHttpPort, httpPort, sqlPort, tls, bind },
      { otlpGrpcPort: 4317, otlpHttpPort: 4318, httpPort: 8080, sqlPort: 15432, tls: undefined, bind: '127.0.0.1' },
    )
    assert.deepEqual(settings.lake, { url: `file:${settings.dataDir}/lake` })
    assert.deepEqual(settings.cache, { directory: `${settings.dataDir}/cache`, maxBytes: 10 * 2 ** 30 })
  })

  it('have an archive where they name a place for one', () => {
    assert.equal(readSettings({}).archive, null)
    const place = { MILLRACE_ARCHIVE: 'file:archive' }
    assert.deepEqual(readSettings(place).archive, { store: { url: `file:${resolve('archive')}` }, keepDays: undefined })
    const { archive } = readSettings({ MILLRACE_ARCHIVE: 's3://bucket/archive', MILLRACE_ARCHIVE_DAYS: '400' })
    assert.deepEqual(archive, { store: { url: 's3://bucket/archive', s3Endpoint: undefined }, keepDays: 400 })
  })

  it('put the lake in a bucket, of Amazon or at another address', () => {
    const [url, endpoint] = ['s3://bucket/lake', 'http://minio:9000']
    assert.deepEqual(readSettings({ MILLRACE_LAKE: url }).lake, { url, s3Endpoint: undefined })
    const { lake } = readSettings({ MILLRACE_LAKE: url, MILLRACE_S3_ENDPOINT: endpoint })
    assert.deepEqual(lake, { url, s3Endpoint: endpoint })
  })

  for (const [name, value, message] of [
    ['MILLRACE_HTTP_PORT', 'abc', /MILLRACE_HTTP_PORT/],
    ['MILLRACE_HTTP_PORT', '70000', /MILLRACE_HTTP_PORT/],
    ['MILLRACE_TLS_CERT', '/a.crt', /MILLRACE_TLS_CERT and MILLRACE_TLS_KEY go together/],
    ['MILLRACE_LAKE', 'http://bucket', /MILLRACE_LAKE: starts with file: or s3:/],
    ['MILLRACE_LAKE', 's3://Bucket/x', /s3:\/\/Bucket\/x is no place for objects/],
    ['MILLRACE_ARCHIVE', '/archive', /MILLRACE_ARCHIVE: starts with file: or s3:/],
    ['MILLRACE_ARCHIVE_DAYS', '30', /MILLRACE_ARCHIVE_DAYS goes with MILLRACE_ARCHIVE/],
    ['MILLRACE_S3_ENDPOINT', 'localhost:9000', /MILLRACE_S3_ENDPOINT: is an http/],
    ['MILLRACE_CACHE_BYTES', '1000', /MILLRACE_CACHE_BYTES: is at least 268435456/],
    ['MILLRACE_LOG', 'kafka', /MILLRACE_LOG: is embedded: or starts with kafka:/],
    ['MILLRACE_LOG', 'kafka://localhost:9092', /set MILLRACE_SCHEMA_REGISTRY_URL/],
    ['MILLRACE_SCHEMA_REGISTRY_URL', 'http://localhost:8081', /goes with MILLRACE_LOG=kafka/],
    ['MILLRACE_API_KEY', 'short', /at least 16 characters/],
    ['MILLRACE_LOG_LEVEL', 'loud', /MILLRACE_LOG_LEVEL/],
    ['MILLRACE_HTTP_PROT', '8080', /there is no setting MILLRACE_HTTP_PROT/],
  ] as const) {
    it(`refuse ${name}=${value}`, () => {
      assert.throws(() => readSettings({ [name]: value }), { name: 'OperatorError', message })
    })
  }

  it('of a part of it name what processes share', () => {
    const kafka = { MILLRACE_LOG: 'kafka://localhost:9092', MILLRACE_SCHEMA_REGISTRY_URL: 'http://localhost:8081' }
    assert.ok(readSettings(kafka).roles.isWhole)
    const part = { roles: 'receive' }
    assert.throws(() => readSettings(kafka, part), /share.*set MILLRACE_POSTGRES_URL and MILLRACE_LAKE/)
    const shared = { MILLRACE_POSTGRES_URL: 'postgres://localhost/millrace', MILLRACE_LAKE: 'file:/srv/lake' }
    assert.deepEqual(readSettings({ ...kafka, ...shared }, part).roles.names, ['receive'])
    assert.deepEqual(readSettings({}, part).roles.names, ['receive'], 'of the embedded log, one part after the other')
  })
})
