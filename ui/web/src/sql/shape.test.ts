import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chartOf } from './shape.ts'

const column = (name: string, type: string) => ({ name, type })
const minute = column('minute', 'timestamptz')
const answer = (columns: { name: string; type: string }[], rows: unknown[][]) => ({ columns, rows, truncated: false })
const [t0, t1] = ['2026-11-22T14:00:00.000000Z', '2026-11-22T14:01:00.000000Z']

test('a time and a number are a line, in order of time', () => {
  const chart = chartOf(
    answer(
      [column('n', 'bigint'), minute],
      [
        [2, t1],
        ['1', t0],
      ],
    ),
  )!
  assert.deepEqual(chart, {
    times: [Date.parse(t0) / 1000, Date.parse(t1) / 1000],
    series: [{ name: 'n', values: [1, 2] }],
  })
})

test('a text tells lines apart, the largest first; gaps are gaps; eight at most', () => {
  const rows = [
    [t0, 'a', 1],
    [t1, 'a', 2],
    [t1, 'b', 9],
  ]
  const { series } = chartOf(answer([minute, column('service', 'text'), column('n', 'bigint')], rows))!
  assert.deepEqual(series, [
    { name: 'b', values: [null, 9] },
    { name: 'a', values: [1, 2] },
  ])
  const many = Array.from({ length: 20 }, (_, at) => [at % 2 ? t0 : t1, `s${at}`, at])
  assert.equal(chartOf(answer([minute, column('s', 'text'), column('n', 'bigint')], many))!.series.length, 8)
})

test('anything else is a table only', () => {
  const n = column('n', 'bigint')
  for (const [columns, rows] of [
    [[n], [[1], [2]]],
    [[minute, n], [[t0, 1]]],
    [
      [minute, n, column('body', 'json')],
      [
        [t0, 1, {}],
        [t1, 1, {}],
      ],
    ],
    [
      [minute, column('a', 'text'), column('b', 'text'), n],
      [
        [t0, '', '', 1],
        [t1, '', '', 1],
      ],
    ],
  ] as const)
    assert.equal(
      chartOf(
        answer(
          [...columns],
          rows.map((row) => [...row]),
        ),
      ),
      null,
    )
})
