/** Exceptions of events, as the column `errors` shows them. */
import { type Hash128, hash128, hashHex } from '#pipeline/batch/hash.ts'
import { PatternWriter } from './pattern.ts'
import { topFrames } from './stack.ts'

/** What OpenTelemetry's semantic conventions for exceptions say: `exception.type`, `.message`, `.stacktrace`. */
export interface Exception {
  readonly type: string | undefined
  readonly message: string | undefined
  readonly stack: string | undefined
}

/** Words of a hash in `err:` and `pat:` hashes: 64 bits. */
export const HASH_WORDS = 2

const encoder = new TextEncoder()
const pattern = new PatternWriter()
const hash: Hash128 = new Uint32Array(4)

/**
 * Equal for errors that are the same to people: type and top frames; without frames, type and the message's pattern.
 * @returns 16 hex digits
 */
export function fingerprintOf(exception: Exception): string {
  const frames = topFrames(exception.stack ?? '')
  const place = frames.length > 0 ? frames.join('\n') : messagePattern(exception.message ?? exception.stack ?? '')
  const bytes = encoder.encode(`${exception.type ?? ''}\n${place}`)
  hash128(bytes, 0, bytes.length, 0, hash)
  return hashHex(hash, HASH_WORDS)
}

function messagePattern(message: string): string {
  // As it stands in JSON: patterns are made of such text.
  const bytes = encoder.encode(JSON.stringify(message))
  pattern.write(bytes, 0, bytes.length)
  return Buffer.from(pattern.bytes.subarray(0, pattern.size)).toString('utf8')
}

/** The exceptions among a span's events, in order. @param events the column's JSON text */
export function exceptionsOfEvents(events: string): Exception[] {
  const list = JSON.parse(events) as { event_name: string; event_attributes: Record<string, unknown> }[]
  return list
    .filter((event) => event.event_name === 'exception')
    .map(({ event_attributes: attributes }) => ({
      type: text(attributes['exception.type']),
      message: text(attributes['exception.message']),
      stack: text(attributes['exception.stacktrace']),
    }))
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
