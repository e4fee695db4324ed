import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hoursOf, totalOf } from './hours.ts'

const at = (hour: number, minute = 0) => Date.UTC(2026, 10, 22, hour, minute)
const row = (hour: number, signal: string, events: number) => ({
  hour: new Date(at(hour)).toISOString(),
  ...{ signal, events, bytes: events * 100 },
})

test('every hour has a line, the newest last; what is outside is left out', () => {
  const rows = [row(14, 'logs', 3), row(14, 'traces', 2), row(12, 'metrics', 1), row(11, 'logs', 9), row(15, 'logs', 9)]
  const hours = hoursOf(rows, at(12, 30), at(14, 59))
  assert.deepEqual(
    hours.map((hour) => [new Date(hour.at).getUTCHours(), totalOf(hour, 'events'), totalOf(hour, 'bytes')]),
    [
      [12, 1, 100],
      [13, 0, 0],
      [14, 5, 500],
    ],
  )
})

test('a signal nobody knows is not counted as another', () => {
  assert.equal(totalOf(hoursOf([row(14, 'profiles', 3)], at(14), at(14))[0], 'events'), 0)
})
