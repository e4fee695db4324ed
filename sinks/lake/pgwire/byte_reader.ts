/** Bytes of a socket, asked for by count, with a bound on what waits unread. */
import type { Duplex } from 'node:stream'

/** So much may wait before the socket is read no further; a message that is asked for may be longer. */
const HIGH_WATER_BYTES = 256 << 10

/**
 * Reads on while nothing is asked for (up to the bound), so that the end of the connection is noticed while a statement
 * runs. One `read` at a time.
 */
export class ByteReader {
  readonly #socket: Duplex
  readonly #onData = (chunk: Buffer) => this.#take(chunk)
  readonly #onEnd = () => this.#finish()
  #chunks: Buffer[] = []
  #size = 0
  #wanted = 0
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('data', this.#onData)
    for (const event of ['end', 'close', 'error']) socket.on(event, this.#onEnd)
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#size
  }

  /** @returns null where the connection ends before so many have come */
  async read(count: number): Promise<Buffer | null> {
    this.#wanted = count
    while (this.#size < count && !this.#ended) {
      this.#socket.resume()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wanted = 0
    return this.#size < count ? null : this.#cut(count)
  }

  /** As if the client had gone: `read` gives null from now on. */
  stop(): void {
    this.#chunks = []
    this.#size = 0
    this.#finish()
  }

  /** Leaves the socket to another reader (TLS). */
  detach(): void {
    this.#socket.off('data', this.#onData)
    for (const event of ['end', 'close', 'error']) this.#socket.off(event, this.#onEnd)
    this.#socket.pause()
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size >= Math.max(HIGH_WATER_BYTES, this.#wanted)) this.#socket.pause()
    if (this.#size >= this.#wanted) this.#wake()
  }

  #finish(): void {
    this.#ended = true
    this.#wake()
  }

  #cut(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#size -= count
    this.#chunks = this.#size === 0 ? [] : [all.subarray(count)]
    if (this.#size < HIGH_WATER_BYTES && !this.#ended) this.#socket.resume()
    return all.subarray(0, count)
  }
}
