/** Messages to a socket: gathered, written in larger pieces, and no faster than the client takes them. */
import type { Duplex } from 'node:stream'

const PIECE_BYTES = 64 << 10

/** The client is gone, or takes nothing: the connection is at its end. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

export class ByteWriter {
  readonly #socket: Duplex
  readonly #stallTimeoutMs: number
  #pieces: Buffer[] = []
  #size = 0

  /** @param stallTimeoutMs how long a client may take nothing while there is something to take */
  constructor(socket: Duplex, stallTimeoutMs: number) {
    this.#socket = socket
    this.#stallTimeoutMs = stallTimeoutMs
  }

  send(message: Buffer): void {
    this.#pieces.push(message)
    this.#size += message.length
  }

  /** Like `send`, and waits while more than a piece is unsent. */
  async sendAll(messages: Iterable<Buffer>): Promise<void> {
    for (const message of messages) {
      this.send(message)
      if (this.#size >= PIECE_BYTES) await this.flush()
    }
  }

  /** Writes what was sent; resolves when the socket takes more. @throws ConnectionLost */
  async flush(): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableEnded) throw new ConnectionLost('the client is gone')
    if (this.#pieces.length === 0) return
    const piece = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces, this.#size)
    this.#pieces = []
    this.#size = 0
    if (!this.#socket.write(piece)) await this.#drained()
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null) => {
        clearTimeout(timer)
        this.#socket.off('drain', onDrain)
        this.#socket.off('close', onClose)
        if (error === null) resolve()
        else reject(error)
      }
      const onDrain = () => settle(null)
      const onClose = () => settle(new ConnectionLost('the client is gone'))
      const timer = setTimeout(
        () => settle(new ConnectionLost(`the client took nothing for ${this.#stallTimeoutMs} ms`)),
        this.#stallTimeoutMs,
      )
      this.#socket.on('drain', onDrain)
      this.#socket.on('close', onClose)
    })
  }
}
