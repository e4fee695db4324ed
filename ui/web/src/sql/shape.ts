/** Whether an answer can be drawn: a time and at least one number, and at most one text that tells lines apart. */
import type { Answer } from '../api/ask.ts'

export interface Series {
  readonly name: string
  /** One for each time, `null` where there is none. */
  readonly values: (number | null)[]
}

export interface ChartData {
  /** Unix seconds, ascending. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
}

const MAX_SERIES = 8
const NUMERIC = /^(integer|bigint|smallint|hugeint|double precision|real|numeric|decimal)/
const TEMPORAL = /^(timestamptz|timestamp|date)/

export function chartOf({ columns, rows }: Answer): ChartData | null {
  const time = columns.findIndex(({ type }) => TEMPORAL.test(type))
  const numbers = columns.flatMap(({ type }, at) => (NUMERIC.test(type) ? [at] : []))
  const texts = columns.flatMap(({ type }, at) => (type === 'text' ? [at] : []))
  const others = columns.length - 1 - numbers.length - texts.length
  if (time < 0 || numbers.length === 0 || texts.length > 1 || others > 0 || rows.length < 2) return null

  const times = [...new Set(rows.map((row) => secondsOf(row[time])))].filter(Number.isFinite).sort((a, b) => a - b)
  if (times.length < 2) return null
  const indexOf = new Map(times.map((at, index) => [at, index]))
  const series = new Map<string, Series>()
  for (const row of rows) {
    const index = indexOf.get(secondsOf(row[time]))
    if (index === undefined) continue
    for (const at of numbers) {
      const group = texts.length === 0 ? '' : String(row[texts[0]] ?? 'none')
      const name = [group, group === '' || numbers.length > 1 ? columns[at].name : ''].filter(Boolean).join(' ')
      let line = series.get(name)
      if (line === undefined) {
        line = { name, values: times.map(() => null) }
        series.set(name, line)
      }
      line.values[index] = row[at] === null ? null : Number(row[at])
    }
  }
  const sum = ({ values }: Series) => values.reduce<number>((total, value) => total + Math.abs(value ?? 0), 0)
  // More lines than colours say nothing: the largest stay.
  return { times, series: [...series.values()].sort((a, b) => sum(b) - sum(a)).slice(0, MAX_SERIES) }
}

const secondsOf = (value: unknown): number => Date.parse(String(value)) / 1000
