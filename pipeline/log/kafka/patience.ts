/** Waiting for what is not there yet. */
import { setTimeout as delay } from 'node:timers/promises'
import { TransientError } from '../../errors/errors.ts'

/**
 * Tries until it works or has had its time, and says what it waits for.
 * @throws what `work` throws, where waiting does not help or has not
 */
export async function patiently<T>(
  what: string,
  work: () => Promise<T>,
  options: { readonly limitMs: number; readonly warn: (message: string) => void; readonly signal: AbortSignal },
): Promise<T> {
  const deadline = performance.now() + options.limitMs
  for (let delayMs = 200; ; delayMs = Math.min(5_000, 2 * delayMs)) {
    try {
      return await work()
    } catch (error) {
      const isOver = performance.now() + delayMs > deadline || options.signal.aborted
      if (!(error instanceof TransientError) || isOver) throw error
      options.warn(`waiting for ${what}: ${error.message}`)
      await delay(delayMs, undefined, { signal: options.signal }).catch(() => {})
    }
  }
}
