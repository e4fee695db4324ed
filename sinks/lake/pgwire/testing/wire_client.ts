/** A client that speaks the protocol message by message, for tests of what drivers never do. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { ByteReader } from '../byte_reader.ts'

export interface Received {
  readonly type: string
  readonly body: Buffer
}

const VERSION_3 = 196_608

export class WireClient {
  readonly socket: Socket
  readonly #reader: ByteReader
  /** Of BackendKeyData. */
  key: { readonly id: number; readonly secret: Buffer } = { id: 0, secret: Buffer.alloc(4) }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    this.#reader = new ByteReader(socket)
  }

  static async connect(port: number): Promise<WireClient> {
    const socket = connect(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new WireClient(socket)
  }

  /** Connects and comes past the password. @throws Error with the server's sentence */
  static async open(port: number, user: string, password: string, more: Record<string, string> = {}) {
    const client = await WireClient.connect(port)
    client.startup({ user, database: 'millrace', ...more })
    await client.authenticate(password)
    for (;;) {
      const message = await client.receive()
      if (message.type === 'E') throw new Error(errorFields(message).M)
      if (message.type === 'K') client.key = { id: message.body.readInt32BE(), secret: message.body.subarray(4) }
      if (message.type === 'Z') return client
    }
  }

  startup(parameters: Record<string, string>, version = VERSION_3): void {
    const pairs = Object.entries(parameters).flat().concat('')
    const body = Buffer.concat([int32(version), ...pairs.map(cstring)])
    this.write(Buffer.concat([int32(body.length + 4), body]))
  }

  /** The client's side of RFC 5802. */
  async authenticate(password: string): Promise<void> {
    await this.expect('R')
    const bare = 'n=,r=clientnonce'
    const initial = Buffer.from(`n,,${bare}`)
    this.send('p', cstring('SCRAM-SHA-256'), int32(initial.length), initial)
    const serverFirst = (await this.expect('R')).body.subarray(4).toString()
    const [, nonce, salt, iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst)!
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = createHmac('sha256', salted).update('Client Key').digest()
    const storedKey = createHash('sha256').update(clientKey).digest()
    const withoutProof = `c=biws,r=${nonce}`
    const signature = createHmac('sha256', storedKey).update(`${bare},${serverFirst},${withoutProof}`).digest()
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at])).toString('base64')
    this.send('p', Buffer.from(`${withoutProof},p=${proof}`))
  }

  send(type: string, ...parts: readonly Buffer[]): void {
    const body = Buffer.concat(parts)
    this.write(Buffer.concat([Buffer.from(type), int32(body.length + 4), body]))
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  query(sql: string): void {
    this.send('Q', cstring(sql))
  }

  parse(sql: string, name = '', oids: readonly number[] = []): void {
    this.send('P', cstring(name), cstring(sql), int16(oids.length), ...oids.map(int32))
  }

  bind(
    options: { portal?: string; statement?: string; values?: readonly string[]; formats?: readonly number[] } = {},
  ): void {
    const { portal = '', statement = '', values = [], formats = [] } = options
    const params = values.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)])
    const head = [cstring(portal), cstring(statement), int16(0), int16(values.length), ...params]
    this.send('B', ...head, int16(formats.length), ...formats.map(int16))
  }

  execute(portal = '', maxRows = 0): void {
    this.send('E', cstring(portal), int32(maxRows))
  }

  sync(): void {
    this.send('S')
  }

  /** @throws Error where the connection ends first */
  async receive(): Promise<Received> {
    const header = await this.#reader.read(5)
    const body = header === null ? null : await this.#reader.read(header.readInt32BE(1) - 4)
    if (header === null || body === null) throw new Error('the server closed the connection')
    return { type: String.fromCharCode(header[0]), body }
  }

  async expect(type: string): Promise<Received> {
    const message = await this.receive()
    if (message.type !== type) {
      throw new Error(`${type} was expected, not ${message.type} ${message.type === 'E' ? errorFields(message).M : ''}`)
    }
    return message
  }

  /** Messages up to ReadyForQuery, as their letters; rows as their text. */
  async untilReady(): Promise<{
    readonly letters: string
    readonly rows: string[][]
    readonly errors: Record<string, string>[]
  }> {
    let letters = ''
    const rows: string[][] = []
    const errors: Record<string, string>[] = []
    for (;;) {
      const message = await this.receive()
      letters += message.type
      if (message.type === 'D') rows.push(rowOf(message.body))
      if (message.type === 'E') errors.push(errorFields(message))
      if (message.type === 'Z') return { letters, rows, errors }
    }
  }

  /** Resolves once the server has closed. @returns the last error it said */
  async untilClosed(): Promise<Record<string, string> | null> {
    let last: Record<string, string> | null = null
    for (;;) {
      try {
        const message = await this.receive()
        if (message.type === 'E') last = errorFields(message)
      } catch {
        return last
      }
    }
  }

  close(): void {
    this.socket.destroy()
  }
}

export function errorFields({ body }: Received): Record<string, string> {
  const fields = body.toString().split('\0')
  return Object.fromEntries(fields.filter((field) => field !== '').map((field) => [field[0], field.slice(1)]))
}

function rowOf(body: Buffer): string[] {
  const values: string[] = []
  for (let at = 2; at < body.length; ) {
    const length = body.readInt32BE(at)
    values.push(length < 0 ? 'NULL' : body.subarray(at + 4, at + 4 + length).toString())
    at += 4 + Math.max(length, 0)
  }
  return values
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}
