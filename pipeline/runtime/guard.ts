/** Breaks off synchronous code that does not end. */
import { Script } from 'node:vm'

const GUARDED = Symbol.for('millrace.guarded')
/** V8 can break off only what it was asked to run with a limit, so the work is called from a script. */
const script = new Script('globalThis[Symbol.for("millrace.guarded")]()', { filename: 'guarded' })

/**
 * Runs `work`. What it throws comes through.
 * @throws Error where it takes longer than `timeLimitMs`; whatever it had begun stays as it was at that moment
 */
export function withinTime(work: () => void, timeLimitMs: number): void {
  const scope = globalThis as Record<symbol, unknown>
  scope[GUARDED] = work
  try {
    script.runInThisContext({ timeout: timeLimitMs })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw cause
    throw new Error(`did not end within ${timeLimitMs} ms`, { cause })
  } finally {
    delete scope[GUARDED]
  }
}
