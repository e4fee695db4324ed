/** The ledger of the project, and what it sends by hour. */
import { createSignal } from 'solid-js'
import type { LedgerAnswer, UsageAnswer } from '#ui/server/api/projection_routes.ts'
import { read } from './call.ts'
import { readAll } from './listed.ts'

export type { LedgerAnswer, UsageAnswer } from '#ui/server/api/projection_routes.ts'

const INTERVAL_MS = 10_000
/** Counting what is in flight reads the log: one that takes long is asked for less often. */
const REST_TIMES = 10

const [ledger, setLedger] = createSignal<LedgerAnswer | null>(null)
const [problem, setProblem] = createSignal<string | null>(null)

export { ledger, problem as ledgerProblem }

export async function readLedger(): Promise<void> {
  try {
    setLedger(await read<LedgerAnswer>('/v1/ledger'))
    setProblem(null)
  } catch (error) {
    setProblem((error as Error).message)
  }
}

/** Every ten seconds while anybody looks; the status line and the Ledger page share it. @returns stops asking */
export function watchLedger(intervalMs = INTERVAL_MS): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  const next = async () => {
    const started = performance.now()
    if (!document.hidden) await readLedger()
    if (!isOver) timer = setTimeout(() => void next(), Math.max(intervalMs, REST_TIMES * (performance.now() - started)))
  }
  void next()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** Whether every event is accounted for, as far as was counted. */
export const addsUp = ({ unaccounted, complete }: LedgerAnswer): boolean => unaccounted === 0 && complete

/** By hour and signal, the newest first. @param since Unix milliseconds */
export async function readUsage(since: number, signal?: AbortSignal): Promise<readonly UsageAnswer[]> {
  const isBefore = ({ hour }: UsageAnswer) => Date.parse(hour) < since
  const rows = await readAll<UsageAnswer>('/v1/usage', signal, (read) => read.some(isBefore))
  return rows.filter((row) => !isBefore(row))
}
