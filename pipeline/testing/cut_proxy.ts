/**
 * A TCP proxy for Kafka's protocol that loses what it is told to lose: requests before they reach the broker, or answers the
 * broker has given already, each time with the connection. What was asked and what was lost can be counted.
 *
 * Framing: every request and answer has its length before it (int32); a request begins with its kind (int16), and answers come
 * in the order of requests. https://kafka.apache.org/protocol#protocol_common
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Kinds of requests: https://kafka.apache.org/protocol#protocol_api_keys */
export const KIND = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14,
} as const

export type Loss = 'request' | 'answer' | null

export interface CutProxyOptions {
  /** Of 127.0.0.1: what clients are told to connect to. */
  readonly port: number
  /** Of 127.0.0.1: the broker's. */
  readonly target: number
  /** What is lost of this request, the connection with it. */
  readonly lose: (kind: number) => Loss
}

export interface CutProxy {
  /** By kind. */
  readonly lost: ReadonlyMap<number, number>
  close(): Promise<void>
}

export async function startCutProxy({ port, target, lose }: CutProxyOptions): Promise<CutProxy> {
  const sockets = new Set<Socket>()
  const lost = new Map<number, number>()
  const server = createServer((client) => {
    const broker = connect(target, '127.0.0.1', () => client.resume())
    client.pause()
    const asked: { readonly kind: number; readonly loseAnswer: boolean }[] = []
    const cut = () => {
      client.destroy()
      broker.destroy()
    }
    const count = (kind: number) => {
      lost.set(kind, (lost.get(kind) ?? 0) + 1)
      cut()
    }
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        sockets.delete(socket)
        cut()
      })
    }
    onFrames(client, (frame) => {
      const kind = frame.readInt16BE(4)
      const loss = lose(kind)
      if (loss === 'request') return count(kind)
      asked.push({ kind, loseAnswer: loss === 'answer' })
      broker.write(frame)
    })
    onFrames(broker, (frame) => {
      const { kind, loseAnswer } = asked.shift()!
      if (loseAnswer) return count(kind)
      client.write(frame)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    lost,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let chunks: Buffer[] = []
  let size = 0
  let needed = 4
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    while (size >= needed && !socket.destroyed) {
      const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      chunks = [bytes]
      needed = 4 + bytes.readInt32BE(0)
      if (size < needed) return
      take(bytes.subarray(0, needed))
      chunks = [bytes.subarray(needed)]
      size -= needed
      needed = 4
    }
  })
}

/**
 * Of each kind one request in `n` on average, after 1 to 2n − 1 others, told by a seed. Three of four lose the answer, the
 * fourth the request.
 */
export function seededLoss(seed: number, n: number): (kind: number) => Loss {
  const states = new Map<number, { random: () => number; left: number }>()
  const gap = (random: () => number) => 1 + Math.floor(random() * (2 * n - 1))
  return (kind) => {
    let state = states.get(kind)
    if (state === undefined) {
      const random = mulberry32(seed + kind)
      states.set(kind, (state = { random, left: gap(random) }))
    }
    if (--state.left > 0) return null
    state.left = gap(state.random)
    return state.random() < 0.75 ? 'answer' : 'request'
  }
}

/** Numbers in [0, 1): https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
