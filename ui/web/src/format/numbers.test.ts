import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, count, duration, rate, slowRate } from './numbers.ts'

test('durations have three digits and a unit', () => {
  const shown = [41.2, 1840, 0.0391, 999.4, 999.6, 59_990, 420_000, 5_400_000, 0.000_42, 0].map(duration)
  assert.deepEqual(shown, [
    '41.2 ms',
    '1.84 s',
    '39.1 µs',
    '999 ms',
    '1.00 s',
    '1.00 min',
    '7.00 min',
    '1.50 h',
    '420 ns',
    '0 ms',
  ])
})

test('counts, rates and sizes', () => {
  assert.deepEqual([count(1_204_118), rate(1284), rate(0.42), rate(0)], ['1,204,118', '1,284/s', '0.4/s', '0/s'])
  assert.deepEqual([bytes(0), bytes(999), bytes(3_140_000), bytes(20e9)], ['0 B', '999 B', '3.14 MB', '20.0 GB'])
})

test('little by the second is said by the minute or hour, never as nothing', () => {
  assert.deepEqual([0, 12.3, 1, 0.5, 1 / 60, 0.01, 1e-6].map(slowRate), [
    '0/s',
    '12/s',
    '1.0/s',
    '30/min',
    '1/min',
    '36/h',
    '1/h',
  ])
})
