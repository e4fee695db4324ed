/** Bytes that wait in memory and bytes on disk, each with its bound. Shared by all partitions of a log. */
import { TransientError } from '../errors/errors.ts'

export class Budget {
  readonly #maxQueuedBytes: number
  readonly #maxBytes: number
  #queuedBytes = 0
  #storedBytes = 0

  /**
   * @param maxQueuedBytes appended and not yet durable
   * @param maxBytes on disk, and on their way there
   */
  constructor(maxQueuedBytes: number, maxBytes: number) {
    this.#maxQueuedBytes = maxQueuedBytes
    this.#maxBytes = maxBytes
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get storedBytes(): number {
    return this.#storedBytes
  }

  /** True where this many bytes more could not be stored. */
  full(sizeBytes: number): boolean {
    return this.#storedBytes + this.#queuedBytes + sizeBytes > this.#maxBytes
  }

  /**
   * Takes in an append; `release` the same number when it is done.
   * @throws RangeError where it is larger than the queue can ever be
   * @throws TransientError where it does not fit now
   */
  reserve(sizeBytes: number): void {
    if (sizeBytes > this.#maxQueuedBytes) {
      throw new RangeError(`an append of ${sizeBytes} bytes is over the limit of ${this.#maxQueuedBytes}`)
    }
    if (this.#queuedBytes + sizeBytes > this.#maxQueuedBytes) {
      throw new TransientError(`overloaded: ${this.#queuedBytes} bytes wait to be written`, { retryAfterMs: 1_000 })
    }
    if (this.full(sizeBytes)) {
      throw new TransientError(
        `the log is at its limit of ${this.#maxBytes} bytes: consumers must catch up, or the limit be raised`,
        { retryAfterMs: 5_000 },
      )
    }
    this.#queuedBytes += sizeBytes
  }

  release(sizeBytes: number): void {
    this.#queuedBytes -= sizeBytes
  }

  /** Bytes written to disk, or (negative) deleted from it. */
  store(sizeBytes: number): void {
    this.#storedBytes += sizeBytes
  }
}
