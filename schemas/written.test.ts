/**
 * Bytes that earlier versions of the schemas have written are read as long as there is a log: `avro/written/` keeps the
 * schema of each version and one value in it. A file there is never changed; a schema that changes adds one.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { batchOf } from '#pipeline/testing/samples.ts'
import { CONTRACT, eventBatchCodec } from './event_batch.ts'
import { rawRecordCodec } from './raw_record.ts'

interface Written {
  readonly file: string
  /** From 1 on, by schema. */
  readonly version: number
  readonly schema: unknown
  /** Framed, as in a topic. */
  readonly bytes: Buffer
}

const place = { log: '5eed', topic: 'telemetry.raw.v1', partition: 3, offset: 7, previous: 6 }

const batch = batchOf(
  7,
  {
    body: ['json', ['{"a":1}', null, '"b"']],
    level: ['text', ['INFO', 'ERROR', 'INFO']],
    trace_id: ['bytes', [Buffer.from([1, 2]), null, Buffer.alloc(0)]],
    timestamp: ['long', [1n, -2n, 2n ** 62n]],
    severity: ['long', [9n, null, 17n]],
    duration: ['double', [0.5, Number.NaN, null]],
    sampled: ['boolean', [true, false, null]],
  },
  { outcomes: new Map([['dropped:refused', 3]]), receivedBytes: 5_000_000_000 },
)

const raw = {
  projectId: 'project',
  signal: 'traces',
  receivedAt: 1_767_225_607_000_000,
  exports: [
    {
      key: Buffer.alloc(16, 9),
      receivedAt: 1_767_225_606_999_999,
      contentType: 'application/x-protobuf',
      body: Buffer.from([10, 0, 255]),
      eventCount: 70_000,
      refused: [0, 65_537],
    },
  ],
} as const

describe('bytes of earlier versions', () => {
  describe('of event_batch', () => {
    for (const { file, version, bytes } of written('event_batch')) {
      it(`${file} is read`, () => {
        // Batches say what they weighed since the second.
        const expected = version === 1 ? { ...batch, receivedBytes: 0 } : batch
        assert.deepEqual(
          eventBatchCodec.encode(eventBatchCodec.decode(bytes, place), 1),
          eventBatchCodec.encode(expected, 1),
        )
      })
    }

    it('are there of every contract', () => {
      const contracts = written('event_batch').map(({ bytes }) => eventBatchCodec.decode(bytes, place).contract)
      for (let contract = 1; contract <= CONTRACT; contract++) assert.ok(contracts.includes(contract), `${contract}`)
    })
  })

  describe('of raw_record', () => {
    for (const { file, bytes } of written('raw_record')) {
      it(`${file} is read`, () => {
        const { log, topic, partition, offset } = place
        const lineage = { log, topic, partition, offset }
        assert.deepEqual(rawRecordCodec.decode(bytes, place), {
          ...raw,
          eventCount: 70_000,
          origin: place,
          raw: lineage,
        })
      })
    }
  })

  const present = {
    event_batch: { schema: eventBatchCodec.schema, bytes: eventBatchCodec.encode(batch, 1) },
    raw_record: { schema: rawRecordCodec.schema, bytes: rawRecordCodec.encode({ ...raw, ...placed() }, 1) },
  }
  for (const [name, { schema, bytes }] of Object.entries(present)) {
    it(`the present ${name} is among them`, () => {
      const newest = written(name).at(-1)!
      const file = JSON.stringify({ schema: JSON.parse(schema), bytes: Buffer.from(bytes).toString('base64') })
      const next = `avro/written/${name}.${newest.version + 1}.json`
      assert.deepEqual(newest.schema, JSON.parse(schema), `the schema has changed: put this into ${next}: ${file}`)
      assert.equal(newest.bytes.toString('base64'), Buffer.from(bytes).toString('base64'))
    })
  }
})

function placed() {
  return { eventCount: 70_000, origin: place, raw: place }
}

/** Oldest first. */
function written(name: string): Written[] {
  const folder = new URL('./avro/written/', import.meta.url)
  const files = globSync(`${name}.*.json`, { cwd: folder })
  return files
    .map((file) => {
      const { schema, bytes } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
      return { file, version: Number(file.split('.')[1]), schema, bytes: Buffer.from(bytes, 'base64') }
    })
    .sort((a, b) => a.version - b.version)
}
