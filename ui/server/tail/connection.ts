/** One WebSocket: frames out under the bounds of buffer, socket and allowance; a pulse; an end with a reason. */
import type { WebSocket } from 'ws'
import type { Position } from '#pipeline/log/log.ts'
import { positionText } from './position.ts'
import type { RowBuffer } from './row_buffer.ts'

/** Bytes on their way in the socket beyond which nothing more is given to it. */
const MAX_IN_SOCKET_BYTES = 256 << 10
const MAX_MISSED_PONGS = 2

/** Why a connection is ended (RFC 6455 §7.4.1). */
export const CLOSE = { goingAway: 1001, refused: 1008, broken: 1011, tryAgain: 1013 } as const

export class Connection {
  readonly #socket: WebSocket
  readonly #buffer: RowBuffer
  #missedPongs = 0
  /** Characters it may send; below zero it has to wait. */
  #allowance = 0

  constructor(socket: WebSocket, buffer: RowBuffer) {
    this.#socket = socket
    this.#buffer = buffer
    socket.on('pong', () => {
      this.#missedPongs = 0
    })
  }

  /** More to send, at most `max` saved up. */
  allow(amount: number, max: number): void {
    this.#allowance = Math.min(max, this.#allowance + amount)
  }

  /**
   * Sends what the buffer holds, unless socket or allowance say to wait.
   * @param positions where the viewer stands after the rows in the buffer
   * @returns rows sent and left out, null where it waits
   */
  flush(positions: readonly Position[]): { readonly sent: number; readonly skipped: number } | null {
    if (this.#buffer.isEmpty) return { sent: 0, skipped: 0 }
    if (this.#allowance <= 0 || this.#socket.bufferedAmount > MAX_IN_SOCKET_BYTES) return null
    this.#allowance -= this.#buffer.size
    const { rows, skipped } = this.#buffer.take()
    this.#socket.send(frame(rows, skipped, positions))
    return { sent: rows.length, skipped }
  }

  /** The first frame of a tail that begins with what is stored. */
  sendHistory(rows: readonly string[], positions: readonly Position[]): void {
    this.#socket.send(frame(rows, 0, positions, ',"history":true'))
  }

  /** The frame after which everything is live; it brings what came meanwhile. */
  sendLive(positions: readonly Position[]): void {
    const { rows, skipped } = this.#buffer.take()
    this.#socket.send(frame(rows, skipped, positions, ',"live":true'))
  }

  /** Asks for a sign of life, and tells where the tail stands. @returns false where there was none for too long */
  beat(positions: readonly Position[]): boolean {
    if (this.#missedPongs >= MAX_MISSED_PONGS) return false
    this.#missedPongs++
    this.#socket.ping()
    if (this.#buffer.isEmpty && this.#socket.bufferedAmount === 0) this.#socket.send(frame([], 0, positions))
    return true
  }

  end(
    code: number,
    error: { readonly code: string; readonly message: string; readonly position?: number | undefined },
  ): void {
    this.#socket.send(JSON.stringify({ error }))
    this.#socket.close(code, error.code)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}

function frame(rows: readonly string[], skipped: number, positions: readonly Position[], more = ''): string {
  return `{"rows":[${rows.join(',')}],"skipped":${skipped},"position":${JSON.stringify(positionText(positions))}${more}}`
}
