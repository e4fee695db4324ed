import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WebSocket } from 'ws'
import { Connection } from './connection.ts'
import { RowBuffer } from './row_buffer.ts'

function connected() {
  const socket = {
    sent: [] as string[],
    bufferedAmount: 0,
    on() {},
    ping() {},
    send: (text: string) => socket.sent.push(text),
  }
  const buffer = new RowBuffer({ maxRows: 2, maxSize: 1000 })
  return { socket, buffer, connection: new Connection(socket as unknown as WebSocket, buffer) }
}
const ROW = `"${'x'.repeat(98)}"`

describe('a connection', () => {
  it('sends what it is allowed to, and pays for it', () => {
    const { socket, buffer, connection } = connected()
    buffer.push([ROW])
    assert.equal(connection.flush([]), null)
    connection.allow(50, 1000)
    assert.deepEqual(connection.flush([]), { sent: 1, skipped: 0 })
    buffer.push([ROW])
    connection.allow(50, 1000)
    assert.equal(connection.flush([]), null)
    connection.allow(1, 1000)
    assert.deepEqual(connection.flush([]), { sent: 1, skipped: 0 })
    assert.equal(socket.sent.length, 2)
  })

  it('does not save up more than it may', () => {
    const { buffer, connection } = connected()
    connection.allow(1_000_000, 100)
    buffer.push([ROW, ROW])
    assert.deepEqual(connection.flush([]), { sent: 2, skipped: 0 })
    buffer.push([ROW])
    connection.allow(100, 100)
    assert.equal(connection.flush([]), null)
  })

  it('gives nothing more to a socket that has not got rid of what it has, and says what was left out', () => {
    const { socket, buffer, connection } = connected()
    connection.allow(1000, 1000)
    socket.bufferedAmount = (256 << 10) + 1
    buffer.push(['1', '2'])
    assert.equal(connection.flush([]), null)
    buffer.push(['3'])
    socket.bufferedAmount = 256 << 10
    assert.deepEqual(connection.flush([]), { sent: 1, skipped: 2 })
    assert.deepEqual(JSON.parse(socket.sent[0]), { rows: [3], skipped: 2, position: '' })
  })

  it('is dead after two beats without an answer', () => {
    const { socket, connection } = connected()
    assert.deepEqual([connection.beat([]), connection.beat([]), connection.beat([])], [true, true, false])
    // Each tells where the tail stands, so that a quiet one can be resumed, too.
    assert.equal(socket.sent.length, 2)
  })
})
