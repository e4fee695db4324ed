/**
 * MurmurHash3 (Austin Appleby, public domain; the variant x86_128): 128 bits, for names and groups that must come out the
 * same in every process and version. It is no defence against somebody who wants two inputs to collide.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** A hash: four 32-bit words, most significant first. */
export type Hash128 = Uint32Array

/** Hashes `bytes[start..end)` into `out`. */
export function hash128(bytes: Uint8Array, start: number, end: number, seed: number, out: Hash128): void {
  const length = end - start
  let h1 = seed
  let h2 = seed
  let h3 = seed
  let h4 = seed
  let at = start
  for (; at + 16 <= end; at += 16) {
    h1 ^= mix(word(bytes, at), C1, 15, C2)
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= mix(word(bytes, at + 4), C2, 16, C3)
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= mix(word(bytes, at + 8), C3, 17, C4)
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= mix(word(bytes, at + 12), C4, 18, C1)
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0
  }
  if (at < end) h1 ^= mix(tail(bytes, at, end), C1, 15, C2)
  if (at + 4 < end) h2 ^= mix(tail(bytes, at + 4, end), C2, 16, C3)
  if (at + 8 < end) h3 ^= mix(tail(bytes, at + 8, end), C3, 17, C4)
  if (at + 12 < end) h4 ^= mix(tail(bytes, at + 12, end), C4, 18, C1)
  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = avalanche(h1)
  h2 = avalanche(h2)
  h3 = avalanche(h3)
  h4 = avalanche(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  out[0] = h1
  out[1] = h2 + h1
  out[2] = h3 + h1
  out[3] = h4 + h1
}

/** Makes every bit of a word depend on all of them (the algorithm's `fmix32`). */
export function avalanche(value: number): number {
  let hash = value
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** The first `words` words as lower-case hex. */
export function hashHex(hash: Hash128, words = 4): string {
  const digits = Buffer.alloc(words * 8)
  writeHashHex(hash, words, digits, 0)
  return digits.toString('latin1')
}

const HEX = new TextEncoder().encode('0123456789abcdef')

/** Writes the first `words` words as lower-case hex digits, eight each, at `target[at]`. */
export function writeHashHex(hash: Hash128, words: number, target: Uint8Array, at: number): void {
  for (let word = 0, to = at; word < words; word++) {
    for (let shift = 28; shift >= 0; shift -= 4) target[to++] = HEX[(hash[word] >>> shift) & 15]
  }
}

function mix(value: number, first: number, shift: number, second: number): number {
  const product = Math.imul(value, first)
  return Math.imul((product << shift) | (product >>> (32 - shift)), second)
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/** Up to four bytes, the missing ones zero. */
function tail(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  for (let from = Math.min(at + 4, end) - 1; from >= at; from--) value = (value << 8) | bytes[from]
  return value
}
