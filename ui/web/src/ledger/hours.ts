/** Usage by hour: one line for each hour of a time, also those in which nothing came. */
import type { UsageAnswer } from '../api/account.ts'

export const SIGNALS = ['logs', 'traces', 'metrics'] as const
export type Signal = (typeof SIGNALS)[number]
export type Measure = 'events' | 'bytes'

const HOUR_MS = 3_600_000

export interface Hour {
  /** Its beginning, Unix milliseconds. */
  readonly at: number
  readonly events: Readonly<Record<Signal, number>>
  readonly bytes: Readonly<Record<Signal, number>>
}

/** The hours from one time to another, the newest last. @param from, to Unix milliseconds */
export function hoursOf(rows: readonly UsageAnswer[], from: number, to: number): Hour[] {
  const nothing = () => ({ logs: 0, traces: 0, metrics: 0 })
  const first = Math.floor(from / HOUR_MS) * HOUR_MS
  const hours = Array.from({ length: Math.floor((to - first) / HOUR_MS) + 1 }, (_, at) => ({
    at: first + at * HOUR_MS,
    ...{ events: nothing(), bytes: nothing() },
  }))
  for (const { hour, signal, events, bytes } of rows) {
    const found = hours[(Date.parse(hour) - first) / HOUR_MS]
    if (found === undefined || !isSignal(signal)) continue
    found.events[signal] += events
    found.bytes[signal] += bytes
  }
  return hours
}

export const totalOf = (hour: Hour, measure: Measure): number =>
  SIGNALS.reduce((sum, signal) => sum + hour[measure][signal], 0)

function isSignal(signal: string): signal is Signal {
  return (SIGNALS as readonly string[]).includes(signal)
}
