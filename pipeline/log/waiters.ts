/** Those who wait for an offset to be written. */
interface Waiter {
  readonly offset: number
  readonly settle: (error?: Error) => void
}

export class Waiters {
  readonly #waiters = new Set<Waiter>()

  get size(): number {
    return this.#waiters.size
  }

  /** Resolves when a record at or past `offset` is there, or when `signal` aborts. */
  wait(offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const stop = () => waiter.settle()
      const waiter: Waiter = {
        offset,
        settle: (error) => {
          this.#waiters.delete(waiter)
          signal.removeEventListener('abort', stop)
          if (error) reject(error)
          else resolve()
        },
      }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', stop)
    })
  }

  /** @param end offset behind the last record */
  reached(end: number): void {
    for (const waiter of this.#waiters) if (waiter.offset < end) waiter.settle()
  }

  fail(error: Error): void {
    for (const waiter of this.#waiters) waiter.settle(error)
  }
}
