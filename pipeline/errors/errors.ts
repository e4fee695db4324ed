/**
 * What can go wrong, in three kinds. A bad event is no error: it is a value (`drop`, `deadLetter`).
 */

/** The world failed (disk full, broker away). Nothing was committed; trying again later is right. */
export class TransientError extends Error {
  override readonly name = 'TransientError'
  readonly retryAfterMs: number | undefined
  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

/** A promise of the design does not hold any more. The partition stops, loudly. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** The person who started us must do something; the message says what. The process ends with code 2. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
}

/** Another member of the group has taken the partition over; what this one still does must not count. */
export class FencedError extends Error {
  override readonly name = 'FencedError'
}

/** @throws InvariantError where `condition` is false */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
