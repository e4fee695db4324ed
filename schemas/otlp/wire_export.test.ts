import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { rowCount } from '#pipeline/batch/column.ts'
import type { LogsExport } from './otlp.ts'
import { eventsOf } from './testing/by_value.ts'
import { encodeLogs } from './testing/encode.ts'
import { Message } from './testing/message.ts'
import { oddExport } from './testing/odd_exports.ts'
import { encodeExport, START_MICROS } from './testing/raw.ts'
import { attributes, readBytes, rowsOf } from './testing/read.ts'
import { ExportReader } from './wire_export.ts'

function logs(...names: string[]): LogsExport {
  const logRecords = names.map((eventName) => ({ timeUnixNano: '1000', eventName }))
  return { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
}

/** Reads several exports into one batch; `null` for one that is passed over. */
function readAll(...parts: { body: Uint8Array | null; eventCount: number; refused?: number[] }[]) {
  const reader = new ExportReader('logs')
  for (const { body, eventCount, refused = [] } of parts) {
    if (body === null) reader.skip(eventCount)
    else reader.read({ eventCount, refused, receivedAt: START_MICROS }, () => body)
  }
  const events = reader.finish()
  return { ...events, names: rowsOf(events).map((row) => row.name) }
}

describe('an export', () => {
  it('gets rows after those of the exports before it, and positions that count all', () => {
    const events = readAll(
      { body: encodeLogs(logs('a', 'b', 'c')), eventCount: 3, refused: [0, 2] },
      { body: null, eventCount: 2 },
      { body: encodeLogs(logs('d')), eventCount: 1 },
    )
    assert.deepEqual(events.names, ['b', 'd'])
    assert.deepEqual(events.positions, [1, 5])
    assert.deepEqual(events.malformed, [])
  })

  it('may have its fields in any order', () => {
    const attribute = new Message().string(1, 'k').message(2, new Message().string(1, 'v'))
    const record = new Message().string(12, 'name').message(6, attribute).fixed64(1, '1000')
    const scoped = new Message()
      .string(3, 'https://scope')
      .message(2, record)
      .message(1, new Message().string(1, 'lib'))
    const resource = new Message().message(1, attribute)
    const group = new Message().string(3, 'https://resource').message(2, scoped).message(1, resource)
    const [row] = rowsOf(readBytes('logs', new Message().message(1, group).bytes(), 1))
    delete row.message_size_bytes
    assert.deepEqual(row, {
      timestamp: 1n,
      kind: 'log',
      name: 'name',
      'attributes.k': 'v',
      'resource.k': 'v',
      scope___name: 'lib',
      scope___schema_url: 'https://scope',
      resource___schema_url: 'https://resource',
    })
  })

  it('may have fields that we do not know', () => {
    const record = new Message().varint(99, 1n).string(12, 'name').fixed64(98, '7').fixed32(97, 5).string(96, 'x')
    const group = new Message().string(70, '?').message(2, new Message().string(71, '?').message(2, record))
    const events = readAll({ body: new Message().string(72, '?').message(1, group).bytes(), eventCount: 1 })
    assert.deepEqual(events.names, ['name'])
  })

  it('with a malformed event gives the others', () => {
    const scoped = new Message()
    for (const record of [
      new Message().string(12, 'a'),
      new Message().raw(6, Uint8Array.of(0x0a, 9, 1)),
      new Message().string(12, 'c'),
    ]) {
      scoped.message(2, record)
    }
    const body = new Message().message(1, new Message().message(2, scoped)).bytes()
    const events = readAll({ body: encodeLogs(logs('before')), eventCount: 1 }, { body, eventCount: 3 })
    assert.deepEqual(events.badRows, [2])
    assert.deepEqual(events.malformed, [{ position: 2, detail: '9 bytes at 15, where 1 are left' }])
    assert.deepEqual(events.names, ['before', 'a', undefined, 'c'])
  })

  it('that is malformed around its events gives none of them, and does no harm to others', () => {
    const good = encodeLogs(logs('a', 'b'))
    const broken = Buffer.concat([encodeLogs(logs('x', 'y', 'z')), Uint8Array.of(0x0a, 0x7f)])
    const events = readAll(
      { body: good, eventCount: 2 },
      { body: broken, eventCount: 3, refused: [1] },
      { body: good, eventCount: 2 },
    )
    assert.deepEqual(events.badRows, [2, 3])
    assert.deepEqual(
      events.malformed.map(({ position }) => position),
      [2, 4],
    )
    assert.match(events.malformed[0].detail, /127 bytes at \d+, where 0 are left/)
    assert.deepEqual(events.positions, [0, 1, 2, 4, 5, 6])
  })

  it('with another number of events than counted is malformed, and later positions stay as counted', () => {
    const body = encodeLogs(logs('a', 'b'))
    const events = readAll({ body, eventCount: 3 }, { body, eventCount: 2 })
    assert.deepEqual(events.badRows, [0, 1])
    assert.deepEqual(
      events.malformed,
      [0, 1, 2].map((position) => ({ position, detail: '2 events, where the receiver counted 3' })),
    )
    assert.deepEqual(events.positions, [0, 1, 3, 4])
  })

  it('with values nested too deep is malformed, not the end of the process', () => {
    let value = new Message().string(1, 'x')
    for (let depth = 0; depth < 2000; depth++) value = new Message().message(5, new Message().message(1, value))
    const record = new Message().message(5, value)
    const body = new Message().message(1, new Message().message(2, new Message().message(2, record))).bytes()
    const events = readAll({ body, eventCount: 1 })
    assert.deepEqual(events.malformed, [{ position: 0, detail: 'values nested deeper than 100' }])
  })

  it('forgets what a malformed event left behind', () => {
    const half = attributes({ a: 1n })
    const scoped = new Message()
    // `a` becomes an integer column, so the text goes to the rest of an event that then turns out broken.
    const text = new Message().string(1, 'a').message(2, new Message().string(1, 'of the broken one'))
    scoped.message(2, new Message().message(6, text).raw(6, Uint8Array.of(0x0a, 9)))
    const body = new Message().message(1, new Message().message(2, scoped)).bytes()
    const first = encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: half }] }] }] })
    const events = readAll({ body: first, eventCount: 1 }, { body, eventCount: 1 }, { body: first, eventCount: 1 })
    const rows = rowsOf(events)
    assert.equal(events.malformed.length, 1)
    assert.equal(rows[2]['attributes.a'], 1n)
    assert.equal(rows[2]['attributes.rest'], undefined)
  })
})

describe('broken bytes', () => {
  for (const signal of SIGNALS) {
    it(`never throw, and every event is a row or malformed: ${signal}`, () => {
      const changes = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 })
      fc.assert(
        fc.property(oddExport(signal), changes, fc.option(fc.nat()), (request, broken, cut) => {
          const body = Buffer.from(encodeExport(request, signal))
          if (body.length === 0) return
          for (const { at, byte } of broken) body[at % body.length] = byte
          const sent = cut === null ? body : body.subarray(0, cut % body.length)
          const eventCount = eventsOf(request, signal).length
          const events = readBytes(signal, sent, eventCount)
          const bad = new Set(events.badRows)
          const positions = events.positions.filter((_, row) => !bad.has(row))
          positions.push(...events.malformed.map(({ position }) => position))
          assert.deepEqual(
            positions.sort((a, b) => a - b),
            Array.from({ length: eventCount }, (_, at) => at),
          )
          for (const [name, column] of events.columns) assert.equal(rowCount(column), events.rows, name)
        }),
        { numRuns: 150 },
      )
    })
  }
})
