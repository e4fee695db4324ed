/** The bound on what the receiver holds in memory: bodies from their first byte until they are answered. */
import { Refusal } from './refusal.ts'

const RETRY_AFTER_MS = 1000

export class InFlight {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  lease(): Lease {
    let held = 0
    return {
      grow: (bytes) => {
        if (this.#bytes + bytes > this.#maxBytes) {
          throw new Refusal('overloaded', `${this.#maxBytes} bytes are being received already; try again`, {
            retryAfterMs: RETRY_AFTER_MS,
          })
        }
        this.#bytes += bytes
        held += bytes
      },
      release: () => {
        this.#bytes -= held
        held = 0
      },
    }
  }
}

/** What one request holds. */
export interface Lease {
  /** @throws Refusal where the bound would be passed; what is held stays held */
  grow(bytes: number): void
  /** Gives everything back. May be called again. */
  release(): void
}
