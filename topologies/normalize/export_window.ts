/**
 * Which exports were seen lately: a sender that got no answer sends again, and that must not make a second copy. The
 * receiver's key of an export chooses its partition, so each partition knows all there is to know.
 */
export class ExportWindow {
  readonly #durationMicros: number
  readonly #maxKeys: number
  /** Key → when last seen, microseconds since 1970; oldest first. */
  readonly #seen = new Map<string, number>()

  /** @param maxKeys beyond it the oldest is forgotten; a retry of that one would be stored again */
  constructor(durationMs: number, maxKeys: number) {
    this.#durationMicros = durationMs * 1000
    this.#maxKeys = maxKeys
  }

  get size(): number {
    return this.#seen.size
  }

  /**
   * Notes an export.
   * @param receivedAt of its raw record, microseconds since 1970
   * @returns whether it was seen within the window before
   */
  add(key: Uint8Array, receivedAt: number): boolean {
    this.#forget(receivedAt)
    const text = Buffer.prototype.latin1Slice.call(key)
    const before = this.#seen.get(text)
    // Seen again counts as seen now, so that what is made again from the window's records is the same.
    this.#seen.delete(text)
    this.#seen.set(text, receivedAt)
    if (this.#seen.size > this.#maxKeys) this.#seen.delete(this.#seen.keys().next().value!)
    return before !== undefined && receivedAt - before <= this.#durationMicros
  }

  #forget(now: number): void {
    for (const [key, seen] of this.#seen) {
      if (now - seen <= this.#durationMicros) return
      this.#seen.delete(key)
    }
  }
}
