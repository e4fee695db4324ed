/**
 * The Python of `schemas/README.md`, taken from there as it is, reads every topic on Kafka with Confluent's client: the rows
 * are ours, value by value.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Batch, isTick } from '#pipeline/batch/batch.ts'
import { valueAt } from '#pipeline/batch/column.ts'
import { createKafkaLog } from '#pipeline/log/kafka/kafka.ts'
import { type Services, startServices } from '#pipeline/log/kafka/testing.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import { deadLetterTopic } from '#pipeline/stage/stage.ts'
import type { Carrier, Topic } from '#pipeline/stage/topic.ts'
import { TopologyTestDriver } from '#pipeline/testing/driver.ts'
import { pythonWith } from '#pipeline/testing/python.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { servicesMissing } from '#pipeline/testing/services/artifacts.ts'
import { until } from '#pipeline/testing/until.ts'
import { benchLogs } from '#schemas/otlp/testing/bench_payload.ts'
import { encodeExport, rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import type { RawBatch } from '#schemas/raw_record.ts'
import { telemetryEvents, telemetryFlattened, telemetryNormalized, telemetryRaw } from '#schemas/topics.ts'
import { normalize } from '#topologies/normalize/normalize.stage.ts'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { startServer, TEST_KEY } from './server.ts'

const document = readFileSync(new URL('../schemas/README.md', import.meta.url), 'utf8')
const [, script] = /```python\n(.*?)```/s.exec(document)!
const [, install] = /pip install "([^"]+)"/.exec(document)!
const PARTITIONS = 2

type Row = Record<string, unknown>

const python = servicesMissing() === false ? await pythonWith(install) : null
const skip = servicesMissing() || (python === null ? `no Python with ${install} could be set up` : false)

describe('the Python of the documents', { skip }, () => {
  let services: Services
  before(async () => {
    services = await startServices()
  })
  after(() => services?.close())

  const driver = new TopologyTestDriver(telemetry)
  const malformed = rawExport(benchLogs(1, 2, 7), 'logs', 2, { body: Buffer.from([10, 127, 1]), eventCount: 2 })
  driver.pipe(telemetryRaw, rawBatch('logs', [rawExport(benchLogs(2, 60), 'logs', 1), malformed], 0))
  driver.pipe(telemetryRaw, { ...rawBatch('logs', [], 1), projectId: '' })
  driver.pipe(telemetryRaw, rawBatch('logs', [rawExport(benchLogs(1, 300, 3), 'logs', 3)], 2))

  for (const topic of [telemetryNormalized, telemetryFlattened, telemetryEvents]) {
    it(`prints the events of ${topic.name}`, async () => {
      const batches = driver.read<Batch>(topic)
      assert.equal(batches.filter(isTick).length, 1)
      checkRows(await printed(topic, batches), batches)
    })
  }

  it('prints what a millrace on this Kafka wrote to each of its topics', async (context) => {
    const { brokers, registryUrl } = services.options
    const env = {
      MILLRACE_LOG: `kafka://${brokers}`,
      MILLRACE_SCHEMA_REGISTRY_URL: registryUrl,
      MILLRACE_PARTITIONS: '2',
    }
    const server = await startServer({ env })
    context.after(() => server.stop('SIGKILL'))
    for (const seed of [1, 2, 3]) {
      const body = encodeExport(benchLogs(2, 50, seed), 'logs')
      const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/x-protobuf' }
      const { status } = await fetch(`${server.otlpUrl}/v1/logs`, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
      })
      assert.equal(status, 200)
    }
    await until(async () => Number((await server.query('select count(*) from otel_logs_and_spans'))[0][0]) === 300)
    assert.equal(await server.stop(), 0)
    const log = await createKafkaLog(services.options)
    try {
      for (const topic of [telemetryNormalized, telemetryFlattened, telemetryEvents]) {
        const batches = await valuesOf(log, topic)
        assert.equal(
          batches.reduce((sum, { eventCount }) => sum + eventCount, 0),
          300,
        )
        checkRows(await rowsByPython(topic.name), batches)
      }
      const exports = (await valuesOf(log, telemetryRaw)).flatMap((record) => record.exports)
      const rows = await rowsByPython(telemetryRaw.name)
      const keys = rows.filter((row) => 'body' in row).map(({ key }) => key as string)
      assert.deepEqual(keys.sort(), exports.map(({ key }) => hex(key)).sort())
      assert.equal(keys.length, 3)
    } finally {
      await log.close()
    }
  })

  it('prints the exports of the raw topic', async () => {
    const records = driver.read<RawBatch>(telemetryRaw)
    const rows = await printed(telemetryRaw, records)
    const exports = records.flatMap((record) => record.exports)
    assert.deepEqual(
      rows.filter((row) => 'body' in row).map(({ key, body, event_count }) => [key, body, event_count]),
      exports.map(({ key, body, eventCount }) => [hex(key), hex(body), BigInt(eventCount)]),
    )
    assert.deepEqual(
      rows.filter((row) => !('body' in row)).map(({ project_id, exports }) => [project_id, exports]),
      [['', []]],
    )
  })

  it('prints dead letters', async () => {
    const letters = driver.deadLetters('normalize')
    const rows = await printed(deadLetterTopic(normalize), letters)
    checkRows(rows, letters)
    assert.deepEqual(
      rows.map((row) => row['dead_letter.code']),
      ['malformed', 'malformed'],
    )
  })

  it('prints every type, nulls and extremes, and indexes of every width', async () => {
    const topic = { ...telemetryEvents, name: 'telemetry.extremes.v1' }
    const many = Array.from({ length: 66_000 }, (_, row) => `value ${row % 65_999}`)
    const batches = [
      batchOf(0, {
        text: ['text', ['', null, 'Grüße 🚀']],
        json: ['json', ['{"a":[1,null,{"b":"c"}]}', '"words"', null]],
        bytes: ['bytes', [Buffer.from([0, 255]), null, Buffer.alloc(0)]],
        long: ['long', [-(2n ** 63n), 2n ** 63n - 1n, null]],
        whole: ['long', [1n, 2n, 3n]],
        double: ['double', [-0.1, null, Number.MAX_VALUE]],
        boolean: ['boolean', [true, false, null]],
        nothing: ['text', [null, null, null]],
      }),
      batchOf(1, { text: ['text', many.slice(0, 300)] }),
      batchOf(2, { text: ['text', many] }),
    ]
    checkRows(await printed(topic, batches), batches)
  })

  /** Writes values to a topic of their own as millrace does, alternately to its partitions. @returns what is printed of it */
  async function printed<T extends Carrier>(of: Topic<T>, values: readonly T[]): Promise<Row[]> {
    const topic = { ...of, name: `sample.${of.name}` }
    const log = await createKafkaLog(services.options)
    try {
      await log.createTopics([{ name: topic.name, partitions: PARTITIONS, retentionMs: -1, retentionBytes: null }])
      const id = await log.register(`${topic.name}-value`, topic.codec.schema)
      for (const [at, value] of values.entries()) {
        const record = {
          topic: topic.name,
          partition: at % PARTITIONS,
          value: topic.codec.encode(value, id),
          timestamp: 0,
        }
        await log.append([record])
      }
    } finally {
      await log.close()
    }
    return rowsByPython(topic.name)
  }

  async function rowsByPython(topic: string): Promise<Row[]> {
    const args = ['-c', script, services.kafka.brokers[0], services.registry.url, topic]
    const { stdout } = await promisify(execFile)(python!, args, { maxBuffer: 2 ** 28 })
    return stdout.trim().split('\n').map(parsed)
  }
})

/** All that a topic holds. */
async function valuesOf<T extends Carrier>(log: EventLog, topic: Topic<T>): Promise<T[]> {
  const values: T[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { begin, end } = await log.bounds(topic.name, partition)
    for (let offset = begin; offset < end; ) {
      const records = await log.read(topic.name, partition, offset, { maxBytes: 2 ** 20 })
      for (const record of records) {
        const place = { log: log.id, topic: topic.name, partition, offset: record.offset, previous: record.offset - 1 }
        values.push(topic.codec.decode(record.value, place))
      }
      offset = records.at(-1)!.offset + 1
    }
  }
  return values
}

/** The rows of both partitions come in any order. */
function checkRows(rows: readonly Row[], batches: readonly Batch[]): void {
  const key = (row: Row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
  const expected = batches.filter((batch) => batch.eventCount > 0).flatMap(rowsOf)
  const events = rows.filter((row) => !('columns' in row))
  assert.equal(events.length, expected.length)
  assert.deepEqual(events.map(key).sort(), expected.map(key).sort())
  assert.equal(rows.length - events.length, batches.filter((batch) => batch.eventCount === 0).length)
}

function rowsOf(batch: Batch): Row[] {
  return Array.from({ length: batch.eventCount }, (_, row) => {
    const entries = [...batch.columns].map(([name, column]) => {
      const value = valueAt(column, row)
      if (value instanceof Uint8Array) return [name, hex(value)]
      return [name, column.type === 'json' && value !== null ? parsed(value as string) : value]
    })
    return Object.fromEntries(entries)
  })
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Whole numbers as bigint: a long has more digits than a number of JavaScript. */
function parsed(text: string) {
  const revive = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && /^-?\d+$/.test(context!.source!) ? BigInt(context!.source!) : value
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}
