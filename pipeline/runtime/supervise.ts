/** What happens when a task fails: again, or stopped with its reason. */
import { setTimeout as delay } from 'node:timers/promises'
import { FencedError, TransientError } from '../errors/errors.ts'
import type { Assignment, EventLog } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import { FailingError, type FailurePolicy, type FailureRule } from './failure_rule.ts'
import type { TaskStats } from './stats.ts'

export interface SuperviseOptions {
  readonly log: EventLog
  readonly logger: Logger
  /** Without it: one project, and nothing is accepted. */
  readonly failures?: FailurePolicy
  /** How long to wait before the n-th (from 0) try after a failure of the world, ms. */
  readonly backoffMs?: (attempt: number) => number
  /** Waits; returns early when `signal` aborts. Replaced where time is simulated. */
  readonly sleep?: (durationMs: number, signal: AbortSignal) => Promise<void>
}

const defaultSleep = (durationMs: number, signal: AbortSignal): Promise<void> =>
  delay(durationMs, undefined, { signal }).catch(() => {})
const defaultBackoffMs = (attempt: number): number => Math.min(10_000, 50 * 2 ** attempt)

/**
 * Runs a task until it is stopped. The world failing: again, from the committed position, after a pause. Another
 * member took over: done. Anything else: the partition stops and says why; where it fails at nearly everything, until
 * somebody says that it may.
 */
export async function supervise(
  options: SuperviseOptions,
  rule: FailureRule,
  { name, group }: { readonly name: string; readonly group: string },
  stats: readonly TaskStats[],
  assignments: readonly Assignment[],
  stop: AbortSignal,
  run: (assignments: readonly Assignment[]) => Promise<void>,
): Promise<void> {
  const { log, logger, backoffMs = defaultBackoffMs, sleep = defaultSleep } = options
  const committed = () => stats.map((entry) => entry.position?.offset).join()
  const atCommitted = async () => {
    const positions = await log.positions(group)
    return assignments.map((assignment) => ({
      ...assignment,
      position: positions.find((at) => at.topic === assignment.topic && at.partition === assignment.partition) ?? null,
    }))
  }
  let again = false
  for (let attempt = 0; !stop.aborted; attempt++) {
    const before = committed()
    try {
      for (const entry of stats) entry.running()
      await run(again ? await atCommitted() : assignments)
      return
    } catch (error) {
      const reason = (error as Error).message
      if (error instanceof FencedError) {
        for (const entry of stats) entry.unassigned(reason)
        return
      }
      if (!(error instanceof TransientError)) {
        for (const entry of stats) entry.stopped(reason)
        const partitions = assignments.map((assignment) => assignment.partition)
        logger.error(
          { part: name, partitions, error: reason },
          'stopped: nothing more is read until it is mended and restarted',
        )
        if (!(error instanceof FailingError)) return
        await untilAccepted(options, rule, name, stop)
        again = true
        continue
      }
      // Progress since the last failure: it is another failure, not the same one again.
      if (before !== committed()) attempt = 0
      for (const entry of stats) entry.retrying(reason)
      logger.warn({ part: name, attempt, error: reason }, 'trying again from the committed position')
      await sleep(error.retryAfterMs ?? backoffMs(attempt), stop)
      again = true
    }
  }
}

const ASK_INTERVAL_MS = 1_000

/** Resolves once somebody has accepted that the part fails, or `stop` is aborted. */
async function untilAccepted(
  { failures, sleep = defaultSleep }: SuperviseOptions,
  rule: FailureRule,
  name: string,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    // Who cannot be asked has not accepted.
    const until = (await failures?.acceptedUntil(name).catch(() => null)) ?? null
    if (until !== null && until > Date.now()) {
      rule.suspend(until)
      return
    }
    await sleep(ASK_INTERVAL_MS, stop)
  }
}
