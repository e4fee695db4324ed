/**
 * Hands what a stage has just produced to the stages that read it, without reading and decoding it again. A cache and
 * nothing more: what is not in it is read from the log.
 */
export class Handover {
  readonly #entries = new Map<string, { readonly value: unknown; readonly bytes: number }>()
  readonly #limitBytes: number
  #bytes = 0

  /** @param limitBytes the oldest entries go when the encoded sizes add up to more */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  put(topic: string, partition: number, offset: number, value: unknown, bytes: number): void {
    this.#entries.set(`${topic}/${partition}/${offset}`, { value, bytes })
    this.#bytes += bytes
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#limitBytes) break
      this.#entries.delete(key)
      this.#bytes -= entry.bytes
    }
  }

  get(topic: string, partition: number, offset: number): unknown {
    return this.#entries.get(`${topic}/${partition}/${offset}`)?.value
  }
}
