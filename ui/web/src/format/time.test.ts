import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ago, bounds, clockMs, dayAndClock, parseRange, rangeText, rangeWords, typedRange } from './time.ts'

const noon = Date.UTC(2026, 10, 22, 12)

test('ranges read back as they were written', () => {
  for (const text of ['-15m', '-2h', '-30s', '-7d', '-90m', '2026-11-22T12:00:00.000Z/2026-11-22T12:05:00.000Z'])
    assert.equal(rangeText(parseRange(text)!), text === '-7d' ? '-1w' : text)
  for (const text of ['', 'x', '-15', '-15y', '2026-11-22T12:05:00Z/2026-11-22T12:00:00Z', '2026-11-22T12:05:00Z'])
    assert.equal(parseRange(text), null, text)
})

test('a relative range ends where it is told, an absolute one where it ends', () => {
  assert.deepEqual(bounds({ lastMs: 60_000 }, noon), { from: noon - 60_000, to: noon })
  assert.deepEqual(bounds({ from: 1, to: 2 }, noon), { from: 1, to: 2 })
  assert.equal(rangeWords(parseRange('-15m')!), 'Last 15 min')
})

test('ranges as people type them', () => {
  const at = (text: string) => Date.parse(`2026-11-${text}:00Z`)
  for (const [text, from, to] of [
    ['9:28 to now', at('22T09:28'), noon],
    ['14:28 to 14:30', at('21T14:28'), at('21T14:30')],
    ['yesterday 9:00 to 9:30', at('21T09:00'), at('21T09:30')],
    ['yesterday 23:00 - today 1:00', at('21T23:00'), at('22T01:00')],
    ['2026-11-20 08:00 → 2026-11-21 08:00', at('20T08:00'), at('21T08:00')],
  ] as const)
    assert.deepEqual(typedRange(text, noon), { from, to }, text)
  assert.deepEqual(typedRange('-2h', noon), { lastMs: 7_200_000 })
  for (const text of ['9:30 to 9:00', '25:00 to now', 'soon', 'today 13:00 to now', '9:99 to now'])
    assert.equal(typedRange(text, noon), null, text)
})

test('times of day', () => {
  assert.equal(clockMs(noon + 5_016.9), '12:00:05.016')
  assert.equal(dayAndClock(noon - 86_400_000, noon), '2026-11-21 12:00:00')
  assert.deepEqual(
    [200, 41_000, 420_000, 7_200_000].map((before) => ago(noon - before, noon)),
    ['0.2 s ago', '41 s ago', '7 min ago', '10:00:00'],
  )
})
