/**
 * Bytes that earlier versions of the schemas have written are read as long as there is a log: `avro/written/` keeps the
 * schema of each version and one value in it. A file there is never changed; a schema that changes adds one.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { batchOf } from '#pipeline/testing/samples.ts'
import { CONTRACT, eventBatchCodec } from './event_batch.ts'
import { type RawBatch, type RawRecord, rawRecordCodec } from './raw_record.ts'

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
  {
    outcomes: new Map([['dropped:refused', 3]]),
    receivedBytes: 5_000_000_000,
    requeue: { stage: 'flatten_attributes', record: Buffer.from([0, 0, 0, 0, 1, 7]), positions: [0, 70_000] },
  },
)
/** By version: what it had not yet. */
const batches = [{ ...batch, receivedBytes: 0, requeue: undefined }, { ...batch, requeue: undefined }, batch]

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
  decision: { id: 'which', batch: eventBatchCodec.encode(batchOf(7), 1) },
} as const
const raws = [{ ...raw, decision: undefined }, raw]

describe('bytes of earlier versions', () => {
  describe('of event_batch', () => {
    for (const { file, version, bytes } of written('event_batch')) {
      it(`${file} is read`, () => {
        const decoded = eventBatchCodec.decode(bytes, place)
        assert.deepEqual(eventBatchCodec.encode(decoded, 1), eventBatchCodec.encode(batches[version - 1], 1))
      })
    }

    it('are there of every contract', () => {
      const contracts = written('event_batch').map(({ bytes }) => eventBatchCodec.decode(bytes, place).contract)
      for (let contract = 1; contract <= CONTRACT; contract++) assert.ok(contracts.includes(contract), `${contract}`)
    })
  })

  describe('of raw_record', () => {
    for (const { file, version, bytes } of written('raw_record')) {
      it(`${file} is read`, () => {
        const decoded = rawRecordCodec.decode(bytes, place)
        assert.deepEqual(rawRecordCodec.encode(decoded, 1), encodedRaw(raws[version - 1]))
        assert.equal(decoded.eventCount, 70_000)
        assert.equal(decoded.origin, place)
      })
    }
  })

  const present = {
    event_batch: { schema: eventBatchCodec.schema, bytes: eventBatchCodec.encode(batch, 1) },
    raw_record: { schema: rawRecordCodec.schema, bytes: encodedRaw(raw) },
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

function encodedRaw(record: RawRecord): Uint8Array {
  return rawRecordCodec.encode(record as RawBatch, 1)
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
