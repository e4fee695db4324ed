/**
 * Errors that come in thousands (every export while the disk is full) without a log in thousands of lines: an error is
 * logged when it first comes, and while it goes on, how often it came, every ten seconds.
 */
import type { Logger } from './logger.ts'

export interface ErrorLogOptions {
  readonly intervalMs?: number
  /** Different messages told apart at a time; errors beyond are counted together. */
  readonly maxMessages?: number
}

/** Two errors are the same where their messages are. @param what who fails: the line's message */
export function createErrorLog(
  logger: Pick<Logger, 'error'>,
  what: string,
  { intervalMs = 10_000, maxMessages = 20 }: ErrorLogOptions = {},
): (error: unknown) => void {
  /** Times a message came since it was last told; `null` stands for all beyond the bound. */
  const repeats = new Map<string | null, number>()

  function tell(message: string | null): void {
    const count = repeats.get(message)!
    // An interval without it: when it comes again it is news.
    if (count === 0) {
      repeats.delete(message)
      return
    }
    repeats.set(message, 0)
    logger.error({ error: message ?? 'various', repeats: count, within_ms: intervalMs }, what)
    wait(message)
  }

  function wait(message: string | null): void {
    setTimeout(tell, intervalMs, message).unref()
  }

  return (error) => {
    const message = error instanceof Error ? error.message : String(error)
    const key = repeats.has(message) || repeats.size < maxMessages ? message : null
    const count = repeats.get(key)
    if (count !== undefined) {
      repeats.set(key, count + 1)
      return
    }
    repeats.set(key, 0)
    logger.error({ error: message }, what)
    wait(key)
  }
}
