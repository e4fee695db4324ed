/** `GET /v1/topology`, asked every two seconds while anybody looks: the status line and the Pipeline page share it. */
import { createSignal } from 'solid-js'
import type { TopologyReport } from '#pipeline/runtime/report.ts'
import { fetchJson, Problem } from './problem.ts'
import { sessionEnded } from './session.ts'

export type { PartReport, TopologyReport } from '#pipeline/runtime/report.ts'

const INTERVAL_MS = 2_000
const SAMPLES = 150

/** One answer: five minutes of them are kept for the charts. */
export interface Sample {
  /** Unix milliseconds. */
  readonly at: number
  readonly report: TopologyReport
}

const [samples, setSamples] = createSignal<readonly Sample[]>([])
const [latencyMs, setLatencyMs] = createSignal<number | null>(null)

export { latencyMs, samples }

export const topology = (): TopologyReport | undefined => samples().at(-1)?.report

async function sample(): Promise<void> {
  const started = performance.now()
  try {
    const report = await fetchJson<TopologyReport>('/v1/topology')
    setLatencyMs(performance.now() - started)
    setSamples((before) => [...before.slice(1 - SAMPLES), { at: Date.now(), report }])
  } catch (error) {
    setLatencyMs(null)
    if (error instanceof Problem && error.status === 401) sessionEnded()
  }
}

/** @returns stops asking */
export function watchTopology(): () => void {
  void sample()
  const timer = setInterval(() => document.hidden || void sample(), INTERVAL_MS)
  return () => clearInterval(timer)
}
