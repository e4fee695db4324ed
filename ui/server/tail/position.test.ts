import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { later, parsePosition, positionText } from './position.ts'

const log = 'ab000000-0000-4000-8000-00000000000a'
const topic = 'telemetry.events.v1'
const reached = fc.dictionary(fc.nat(4095).map(String), fc.integer({ min: -1, max: 2 ** 36 }), {
  noNullPrototype: true,
})
const vector = fc
  .array(fc.record({ offset: fc.nat(2 ** 36), reached }), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map((part, partition) => ({ topic, partition, log, ...part })))

describe('a position', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(vector, (positions) => assert.deepEqual(parsePosition(positionText(positions), topic), positions)),
    )
  })

  for (const text of [
    '',
    log,
    `${log}/`,
    `${log}/1.0.`,
    `${log}/0.x.`,
    `${log}/0.1.0:1,`,
    `${log}/0.1.0`,
    `${log}/0.1.0:1/0.1.0:1`,
  ]) {
    it(`is not ${text}`, () => assert.equal(parsePosition(text, topic), null))
  }

  it('joined with another has seen what either has', () => {
    const at = { topic, partition: 0, log }
    assert.deepEqual(
      later({ ...at, offset: 5, reached: { 0: 4, 2: 9 } }, { ...at, offset: 7, reached: { 0: 3, 1: 1 } }),
      {
        ...at,
        offset: 7,
        reached: { 0: 4, 1: 1, 2: 9 },
      },
    )
  })
})
