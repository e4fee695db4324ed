import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { OperatorError } from '../../errors/errors.ts'
import { parseAddress } from './kafka.ts'
import { parseKafkaSettings } from './settings.ts'

const REGISTRY = 'http://registry:8081'

test('the plainest form', () => {
  assert.deepEqual(parseKafkaSettings('kafka://localhost:9092', REGISTRY), {
    brokers: ['localhost:9092'],
    ssl: false,
    sasl: null,
    prefix: undefined,
    replicationFactor: undefined,
    registryUrl: REGISTRY,
  })
})

test('everything there is', () => {
  const url =
    'kafka://ada:p%40ss%3Aw%2Frd@a:9092,[::1]:9093/?ssl=true&mechanism=SCRAM-SHA-256&prefix=staging.&replicas=2'
  assert.deepEqual(parseKafkaSettings(url, 'https://u:p@registry/api'), {
    brokers: ['a:9092', '[::1]:9093'],
    ssl: true,
    sasl: { mechanism: 'scram-sha-256', username: 'ada', password: 'p@ss:w/rd' },
    prefix: 'staging.',
    replicationFactor: 2,
    registryUrl: 'https://u:p@registry/api',
  })
  assert.equal(parseKafkaSettings('kafka://u:p@a:1', REGISTRY).sasl?.mechanism, 'scram-sha-512')
})

test('an authority of its own', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-settings-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  writeFileSync(file, 'a certificate')
  assert.deepEqual(parseKafkaSettings(`kafka://a:1?ca=${encodeURIComponent(file)}`, REGISTRY).ssl, {
    ca: 'a certificate',
  })
})

test('what does not fit is named, a password is not', () => {
  const wrong: [url: string, says: RegExp, registry?: string | null][] = [
    ['kafka://', /no address of Kafka/],
    ['kafka://a', /a is no broker: write host:port/],
    ['kafka://a:1,b:x', /b:x is no broker/],
    ['kafka://a:1?tls=true', /no parameter tls/],
    ['kafka://a:1?ssl=yes', /ssl is true or false/],
    ['kafka://a:1?ssl=false&ca=x', /ca goes with ssl=true/],
    ['kafka://a:1?ca=/nowhere/ca.pem', /ca cannot be read/],
    ['kafka://a:1?mechanism=plain', /no user:password@/],
    ['kafka://u:secret@a:1?mechanism=gssapi', /mechanism is one of/],
    ['kafka://user-only@a:1', /before the @ stands user:password/],
    ['kafka://u:%zz-secret@a:1', /before the @ stands user:password/],
    ['kafka://u:secret/@a:1', /no address of Kafka/],
    ['kafka://a:1?replicas=0', /replicas is a number/],
    ['kafka://a:1', /needs a schema registry/, null],
    ['kafka://a:1', /is an http:\/\/ or https:\/\/ address/, 'registry:8081'],
  ]
  for (const [url, says, registry = REGISTRY] of wrong) {
    assert.throws(
      () => parseKafkaSettings(url, registry ?? undefined),
      (error: Error) => error instanceof OperatorError && says.test(error.message) && !/secret/.test(error.message),
      url,
    )
  }
})

test('addresses', () => {
  assert.deepEqual(parseAddress('kafka-1.internal:9092'), { host: 'kafka-1.internal', port: 9092 })
  assert.deepEqual(parseAddress('[::1]:9092'), { host: '::1', port: 9092 })
})
