/** Content encodings. Output stops at its bound: a body that would inflate past it is never inflated as a whole. */
import { promisify } from 'node:util'
import { gunzip, gunzipSync, inflate, inflateSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { Refusal } from './refusal.ts'

interface Decoder {
  sync(body: Uint8Array, options: { maxOutputLength: number }): Buffer
  /** On a thread of the pool. */
  async(body: Uint8Array, options: { maxOutputLength: number }): Promise<Buffer>
}

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', { sync: gunzipSync, async: promisify(gunzip) as Decoder['async'] }],
  ['deflate', { sync: inflateSync, async: promisify(inflate) as Decoder['async'] }],
  ['zstd', { sync: zstdDecompressSync, async: promisify(zstdDecompress) as Decoder['async'] }],
])

/** What is inflated on this thread: up to here that costs less than the way to another. */
const SYNC_BYTES = 64 * 1024
const SYNC_OUTPUT_BYTES = 1024 * 1024

/** @throws Refusal where the encoding is none of identity, gzip, deflate and zstd */
export function checkEncoding(encoding: string): void {
  if (encoding === 'identity' || DECODERS.has(encoding)) return
  throw new Refusal('unsupported_type', `content-encoding ${encoding}: send identity, gzip, deflate or zstd`)
}

/**
 * The body behind a content encoding.
 * @throws Refusal where the bytes are broken, or there would be more than `maxBytes` of them
 */
export async function decoded(body: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const decoder = DECODERS.get(encoding)
  if (decoder === undefined) return body
  try {
    if (body.length <= SYNC_BYTES) {
      try {
        return decoder.sync(body, { maxOutputLength: Math.min(maxBytes, SYNC_OUTPUT_BYTES) })
      } catch (error) {
        if (!isTooLarge(error) || maxBytes <= SYNC_OUTPUT_BYTES) throw error
      }
    }
    return await decoder.async(body, { maxOutputLength: maxBytes })
  } catch (cause) {
    if (isTooLarge(cause)) throw new Refusal('too_large', `the body inflates to more than ${maxBytes} bytes`, { cause })
    throw new Refusal('malformed', `the body is not ${encoding}: ${(cause as Error).message}`, { cause })
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
}
