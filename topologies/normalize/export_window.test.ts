import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ExportWindow } from './export_window.ts'

const SECOND = 1_000_000
const key = (number: number): Uint8Array => Buffer.from(number.toString(16).padStart(32, '0'), 'hex')

describe('the window of exports', () => {
  it('never holds more keys than it may; the oldest goes first', () => {
    const window = new ExportWindow(1000, 3)
    for (let number = 1; number <= 4; number++) assert.equal(window.add(key(number), 0), false)
    assert.equal(window.size, 3)
    assert.equal(window.add(key(2), 0), true)
    assert.equal(window.add(key(1), 0), false, 'forgotten')
    assert.equal(window.size, 3)
    assert.equal(window.add(key(2), 0), true, 'seen again, so no longer the oldest')
  })

  it('lets go of keys that are too old', () => {
    const window = new ExportWindow(1000, 100)
    for (let number = 0; number < 50; number++) window.add(key(number), number * SECOND * 0.01)
    window.add(key(99), 10 * SECOND)
    assert.equal(window.size, 1)
  })

  it('tells keys apart by every byte', () => {
    const window = new ExportWindow(1000, 1000)
    const seen = [
      key(0),
      ...Array.from({ length: 16 }, (_, at) => Uint8Array.from({ length: 16 }, (_, byte) => (byte === at ? 0xff : 0))),
    ]
    for (const each of seen) assert.equal(window.add(each, 0), false)
  })

  it('says of each export whether its key came within the window before', () => {
    const events = fc.array(fc.record({ number: fc.nat(5), later: fc.nat(1500) }), { maxLength: 40 })
    fc.assert(
      fc.property(events, (arrivals) => {
        const window = new ExportWindow(1000, 100)
        const last = new Map<number, number>()
        let now = 0
        for (const { number, later } of arrivals) {
          now += later * 1000
          const before = last.get(number)
          assert.equal(window.add(key(number), now), before !== undefined && now - before <= SECOND)
          last.set(number, now)
        }
      }),
    )
  })
})
