/** OTLP/HTTP (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"): `POST /v1/logs|traces|metrics`, protobuf or JSON. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { SIGNALS, type Signal } from '#pipeline/batch/batch.ts'
import type { Directory } from '#schemas/directory.ts'
import type { ContentType } from '#schemas/raw_record.ts'
import { encodeStatus, encodeSuccess } from './answers.ts'
import { allowReading, answerPreflight, checkOrigin, isPreflight } from './browsers.ts'
import { authenticate, headerKey } from './credentials.ts'
import type { InFlight, Lease } from './in_flight.ts'
import { checkEncoding, decoded } from './inflate.ts'
import type { Intake } from './intake.ts'
import { asRefusal, Refusal } from './refusal.ts'
import { count, type ReceiverStats } from './stats.ts'

const SIGNAL_PATHS: ReadonlyMap<string, Signal> = new Map(SIGNALS.map((signal) => [`/v1/${signal}`, signal]))

export interface HttpOptions {
  readonly intake: Intake
  readonly directory: Directory
  readonly inFlight: InFlight
  /** Bytes of a body, as sent and uncompressed. */
  readonly maxBodyBytes: number
  /** From a request's first byte to its last. */
  readonly requestTimeoutMs: number
  readonly maxConnections: number
  readonly stats: ReceiverStats
  /** Told of what should not happen; the client has been told 500. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** The client has gone: there is nobody to answer. */
class Aborted extends Error {}

export function createHttpServer(options: HttpOptions): Server {
  const server = createServer(
    {
      headersTimeout: Math.min(10_000, options.requestTimeoutMs),
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, options.requestTimeoutMs),
      keepAliveTimeout: 75_000,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      void serve(request, response, options)
    },
  )
  server.maxConnections = options.maxConnections
  return server
}

async function serve(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  const lease = options.inFlight.lease()
  const signal = SIGNAL_PATHS.get(pathOf(request))
  allowReading(request, response)
  try {
    if (signal === undefined)
      throw new Refusal('unknown_path', `there is no ${pathOf(request)}; send to /v1/logs, /v1/traces or /v1/metrics`)
    if (isPreflight(request)) return answerPreflight(response)
    const contentType = checkRequest(request, options.maxBodyBytes)
    const principal = principalOf(request, options.directory)
    const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
    checkEncoding(encoding)
    const sent = await readBody(request, lease, options.maxBodyBytes)
    const body = await decoded(sent, encoding, options.maxBodyBytes)
    if (body !== sent) lease.grow(body.length)
    const success = await options.intake.take({ signal, contentType, body, principal })
    answer(response, 200, contentType, encodeSuccess(success, signal, contentType))
  } catch (error) {
    if (error instanceof Aborted) return
    refuse(request, response, error, signal, options)
  } finally {
    lease.release()
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** Everything that can be refused before the body is read. */
function checkRequest(request: IncomingMessage, maxBodyBytes: number): ContentType {
  if (request.method !== 'POST') throw new Refusal('unknown_method', `${request.method} is not served here; use POST`)
  const contentType = contentTypeOf(request)
  if (contentType === null) {
    throw new Refusal('unsupported_type', 'content-type must be application/x-protobuf or application/json')
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes)
  return contentType
}

function contentTypeOf(request: IncomingMessage): ContentType | null {
  const [type] = (request.headers['content-type'] ?? '').split(';', 1)
  const name = type.trim().toLowerCase()
  return name === 'application/x-protobuf' || name === 'application/json' ? name : null
}

function principalOf({ headers }: IncomingMessage, directory: Directory) {
  const apiKey = headers['x-api-key']
  const key = headerKey(headers.authorization, Array.isArray(apiKey) ? apiKey[0] : apiKey)
  const principal = key === null ? null : authenticate(directory, key)
  if (headers.origin !== undefined) checkOrigin(headers.origin, principal)
  return principal
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('too_large', `the body is larger than ${maxBytes} bytes; send smaller exports`)
}

/** @throws Refusal where the body is too large or there is no room for it; Aborted where it does not come whole */
function readBody(request: IncomingMessage, lease: Lease, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  const stop = (reason: Error) => {
    request.off('data', take)
    reject(reason)
  }
  const take = (chunk: Buffer) => {
    size += chunk.length
    try {
      if (size > maxBytes) throw tooLarge(maxBytes)
      lease.grow(chunk.length)
      chunks.push(chunk)
    } catch (refusal) {
      stop(refusal as Error)
    }
  }
  request.on('data', take)
  request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size)))
  request.once('close', () => {
    // Every request closes; an error for nothing costs as much as all of inspection.
    if (!request.complete) stop(new Aborted())
  })
  request.once('error', () => stop(new Aborted()))
  return promise
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  signal: Signal | undefined,
  { stats, onError, maxBodyBytes }: HttpOptions,
): void {
  const type = contentTypeOf(request) ?? 'application/json'
  const refusal = asRefusal(error, onError)
  count(signal === undefined ? stats.refusedRequests : stats.signals[signal].refusedExports, refusal.kind)
  if (refusal.retryAfterMs !== null) response.setHeader('retry-after', Math.ceil(refusal.retryAfterMs / 1000))
  if (refusal.kind === 'unknown_method') response.setHeader('allow', 'POST')
  if (refusal.kind === 'unauthenticated') response.setHeader('www-authenticate', 'Bearer')
  answer(response, refusal.httpStatus, type, encodeStatus(refusal, type))
  if (!request.complete) discardRest(request, maxBodyBytes)
}

/**
 * Lets a refused client finish sending, or it would see a reset connection in place of the answer; but not for ever:
 * past another body's worth of bytes, or the request timeout, the connection is closed.
 */
function discardRest(request: IncomingMessage, maxBytes: number): void {
  let left = maxBytes
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) request.destroy()
  })
}

function answer(response: ServerResponse, status: number, type: ContentType, body: Buffer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length })
  response.end(body)
}
