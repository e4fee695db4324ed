import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SIGNALS, type Signal } from '#pipeline/batch/batch.ts'
import { inspect } from './inspect.ts'
import { transcodeJson } from './json.ts'
import { EXPORT_REQUESTS, MalformedError, TooLargeError } from './messages.ts'
import { camelCase, exportOf, type JsonObject } from './testing/arbitrary.ts'
import { canonical } from './testing/canonical.ts'
import { encodeLogs, encodeMetrics, encodeTraces } from './testing/encode.ts'

const ENCODERS: Record<Signal, (request: never) => Uint8Array> = {
  logs: encodeLogs,
  traces: encodeTraces,
  metrics: encodeMetrics,
}

/** The same JSON value in other words: snake_case names, unquoted integers, escapes, spaces. */
function reworded(value: unknown, name = ''): string {
  if (Array.isArray(value)) return `[ ${value.map((item) => reworded(item, name)).join(' ,\n')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, item]) => {
      const snake = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      return `"${camelCase(snake) === key ? snake : key}"\t: ${reworded(item, key)}`
    })
    return `{ "unknown": [{"a":[1,-2.5e3,"\\u00e9",null,true]}], ${members.join(',')}${members.length > 0 ? ',' : ''}"nothing":null }`
  }
  const isInteger = /Nano$|^asInt$|^intValue$|[cC]ount/.test(name)
  if (typeof value === 'string' && isInteger) return value
  if (typeof value === 'string' && !/Id$|Value$/.test(name)) {
    const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at).toString(16).padStart(4, '0'))
    return `"${units.map((unit) => `\\u${unit}`).join('')}"`
  }
  return JSON.stringify(value)
}

for (const signal of SIGNALS) {
  const exports = exportOf(signal)
  const message = EXPORT_REQUESTS[signal]

  test(`${signal}: JSON becomes the protobuf that says the same, however the JSON is written`, () => {
    fc.assert(
      fc.property(exports, (request: JsonObject) => {
        const expected = canonical(ENCODERS[signal](request as never), message)
        assert.deepEqual(canonical(transcodeJson(Buffer.from(JSON.stringify(request)), signal), message), expected)
        assert.deepEqual(canonical(transcodeJson(Buffer.from(reworded(request)), signal), message), expected)
      }),
      { numRuns: 100 },
    )
  })

  test(`${signal}: what is transcoded passes inspection with as many events as the encoder's bytes`, () => {
    fc.assert(
      fc.property(exports, (request: JsonObject) => {
        const encoded = inspect(ENCODERS[signal](request as never), signal)
        const transcoded = inspect(transcodeJson(Buffer.from(JSON.stringify(request)), signal), signal)
        assert.equal(transcoded.eventCount, encoded.eventCount)
        assert.equal(transcoded.eventCount, countEvents(request))
      }),
      { numRuns: 100 },
    )
  })

  test(`${signal}: a body cut short is malformed or shorter, one with a flipped bit never crashes`, () => {
    fc.assert(
      fc.property(exports, fc.nat(), fc.nat(7), (request: JsonObject, place: number, bit: number) => {
        for (const body of [ENCODERS[signal](request as never), Buffer.from(JSON.stringify(request))]) {
          if (body.length === 0) continue
          const flipped = new Uint8Array(body)
          flipped[place % body.length] ^= 1 << bit
          for (const broken of [flipped, body.slice(0, place % body.length)]) {
            onlyRefuses(() => inspect(broken, signal))
            onlyRefuses(() => inspect(transcodeJson(broken, signal), signal))
          }
        }
      }),
      { numRuns: 100 },
    )
  })
}

function onlyRefuses(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof MalformedError || error instanceof TooLargeError)) throw error
  }
}

/** Logs, spans and data points of a request object. */
function countEvents(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countEvents(item), 0)
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce((sum, [name, item]) => {
    const isEvents = name === 'logRecords' || name === 'spans' || name === 'dataPoints'
    return sum + (isEvents ? (item as unknown[]).length : countEvents(item))
  }, 0)
}
