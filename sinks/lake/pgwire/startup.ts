/** The beginning of a connection: encryption, who it is, which key (PostgreSQL 18, chapters 54.2.1 and 54.3). */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { PasswordDirectory, Principal } from '#schemas/directory.ts'
import {
  authenticationOk,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
  negotiateProtocolVersion,
} from './backend_messages.ts'
import { ByteReader } from './byte_reader.ts'
import { ByteWriter } from './byte_writer.ts'
import type { BackendKey } from './cancellation.ts'
import { Fields, ProtocolError, readMessage, utf8 } from './frontend_messages.ts'
import { beginScram, SCRAM_MECHANISM } from './scram.ts'

const PROTOCOL_MAJOR = 3
/** PostgreSQL's MAX_STARTUP_PACKET_LENGTH and PG_MAX_SASL_MESSAGE_LENGTH. */
const MAX_STARTUP_BYTES = 10_000
const MAX_SASL_BYTES = 1024
const CANCEL_REQUEST = 80_877_102
const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const NONCE_BYTES = 18

/** A connection that has begun. */
export interface Channel {
  readonly socket: Duplex
  readonly reader: ByteReader
  readonly writer: ByteWriter
}

export type Startup =
  | { readonly kind: 'cancel'; readonly key: BackendKey }
  | { readonly kind: 'session'; readonly channel: Channel; readonly parameters: ReadonlyMap<string, string> }

export interface StartupOptions {
  /** Encrypts; without it a client that asks is told no. */
  readonly tls: SecureContext | undefined
  readonly stallTimeoutMs: number
}

/** @returns null where the client has gone @throws ProtocolError */
export async function readStartup(raw: Socket, options: StartupOptions): Promise<Startup | null> {
  let channel = openChannel(raw, options)
  let encrypted = false
  for (let asked = 0; asked < 3; asked++) {
    const packet = await readPacket(channel.reader)
    if (packet === null) return null
    const code = packet.int32()
    switch (code) {
      case SSL_REQUEST:
        if (encrypted) throw new ProtocolError('the connection is encrypted already')
        if (options.tls === undefined) {
          raw.write('N')
          break
        }
        channel = await encrypt(raw, channel, options.tls, options)
        encrypted = true
        break
      case GSS_REQUEST:
        raw.write('N')
        break
      case CANCEL_REQUEST:
        return { kind: 'cancel', key: { id: packet.int32(), secret: packet.rest() } }
      default:
        return { kind: 'session', channel, parameters: sessionParameters(code, packet, channel.writer) }
    }
  }
  throw new ProtocolError('no startup message')
}

function openChannel(socket: Duplex, { stallTimeoutMs }: StartupOptions): Channel {
  return { socket, reader: new ByteReader(socket), writer: new ByteWriter(socket, stallTimeoutMs) }
}

/** What came before the handshake was not encrypted, so nobody may take it for what came after (CVE-2021-23214). */
async function encrypt(
  raw: Socket,
  { reader }: Channel,
  tls: SecureContext,
  options: StartupOptions,
): Promise<Channel> {
  if (reader.size > 0) throw new ProtocolError('bytes after the request for encryption')
  reader.detach()
  raw.write('S')
  const socket = new TLSSocket(raw, { isServer: true, secureContext: tls })
  await new Promise<void>((resolve, reject) => {
    socket.once('secure', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new ProtocolError('no encryption came about')))
  })
  return openChannel(socket, options)
}

async function readPacket(reader: ByteReader): Promise<Fields | null> {
  const head = await reader.read(4)
  if (head === null) return null
  const length = head.readInt32BE() - 4
  if (length < 4 || length > MAX_STARTUP_BYTES) throw new ProtocolError('invalid length of startup packet')
  const body = await reader.read(length)
  return body === null ? null : new Fields(body)
}

function sessionParameters(version: number, packet: Fields, writer: ByteWriter): ReadonlyMap<string, string> {
  const [major, minor] = [version >>> 16, version & 0xffff]
  if (major !== PROTOCOL_MAJOR) throw new ProtocolError(`unsupported frontend protocol ${major}.${minor}`, '0A000')
  const parameters = new Map<string, string>()
  for (let name = packet.cstring(); name !== ''; name = packet.cstring()) parameters.set(name, packet.cstring())
  const unknown = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'))
  if (minor > 0 || unknown.length > 0) writer.send(negotiateProtocolVersion(0, unknown))
  return parameters
}

/** Why a connection is refused; unknown user and wrong key are the same to whoever asks. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Lets in who has a key of the project. @returns null where the client has gone @throws Refusal, ProtocolError */
export async function authenticate(
  { reader, writer }: Channel,
  user: string,
  directory: PasswordDirectory,
): Promise<Principal | null> {
  writer.send(authenticationSasl(SCRAM_MECHANISM))
  await writer.flush()
  const initial = await readSasl(reader)
  if (initial === null) return null
  const first = new Fields(initial)
  if (first.cstring() !== SCRAM_MECHANISM) throw new ProtocolError('the client chose a mechanism that was not offered')
  first.int32()
  const nonce = randomBytes(NONCE_BYTES).toString('base64')
  const exchange = beginScram(directory.scramUser(user), utf8(first.rest()), nonce)
  writer.send(authenticationSaslContinue(exchange.serverFirst))
  await writer.flush()
  const final = await readSasl(reader)
  if (final === null) return null
  const found = exchange.finish(utf8(final))
  if (found === null) throw new Refusal('28P01', `password authentication failed for user "${user}"`)
  writer.send(authenticationSaslFinal(found.serverFinal))
  writer.send(authenticationOk())
  return found.principal
}

async function readSasl(reader: ByteReader): Promise<Buffer | null> {
  const message = await readMessage(reader, MAX_SASL_BYTES)
  if (message === null || message.type === 'terminate') return null
  if (message.type !== 'password') throw new ProtocolError('a password message was expected')
  return message.data
}
