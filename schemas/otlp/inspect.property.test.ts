import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { inspect } from './inspect.ts'
import { transcodeJson } from './json.ts'
import { MalformedError, TooLargeError } from './messages.ts'
import { exportOf, type JsonObject } from './testing/arbitrary.ts'
import { ExportReader } from './wire_export.ts'

const LIMITS = { maxEvents: 20, maxEventBytes: 200, maxAttributes: 2 }

for (const signal of SIGNALS) {
  test(`${signal}: whatever passes inspection, broken or not, the pipeline reads without a malformed event`, () => {
    let passed = 0
    fc.assert(
      fc.property(
        exportOf(signal, { maxItems: 2, maxDepth: 2 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        (request, changes) => {
          const body = new Uint8Array(transcodeJson(Buffer.from(JSON.stringify(request satisfies JsonObject)), signal))
          for (const [place, byte] of changes) if (body.length > 0) body[place % body.length] = byte
          let eventCount: number
          let refused: number[]
          try {
            const inspection = inspect(body, signal, LIMITS)
            eventCount = inspection.eventCount
            refused = [...inspection.refused.keys()]
          } catch (error) {
            assert.ok(error instanceof MalformedError || error instanceof TooLargeError)
            return
          }
          passed++
          const reader = new ExportReader(signal)
          reader.read({ eventCount, refused, receivedAt: 1_700_000_000_000_000 }, () => body)
          const { rows, malformed } = reader.finish()
          assert.deepEqual(malformed, [])
          assert.equal(rows, eventCount - refused.length)
        },
      ),
      { numRuns: 300 },
    )
    assert.ok(passed > 30, `${passed} passed`)
  })
}
