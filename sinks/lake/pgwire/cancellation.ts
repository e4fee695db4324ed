/** Who is connected, so that a CancelRequest on another connection finds what it means (chapter 54.2.8). */
import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

export interface BackendKey {
  /** What clients call the process id. */
  readonly id: number
  /** 4 bytes. */
  readonly secret: Buffer
}

export class Sessions {
  readonly #cancels = new Map<number, { readonly secret: Buffer; readonly cancel: () => void }>()

  get size(): number {
    return this.#cancels.size
  }

  /** @param cancel interrupts what the session is running, if anything */
  add(cancel: () => void): BackendKey {
    let id = randomInt(1, 2 ** 31)
    while (this.#cancels.has(id)) id = randomInt(1, 2 ** 31)
    const secret = randomBytes(4)
    this.#cancels.set(id, { secret, cancel })
    return { id, secret }
  }

  remove({ id }: BackendKey): void {
    this.#cancels.delete(id)
  }

  /** Does nothing where there is no such session: who asks is not told. */
  cancel({ id, secret }: BackendKey): void {
    const session = this.#cancels.get(id)
    if (session !== undefined && timingSafeEqual(session.secret, secret)) session.cancel()
  }
}
