import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hash128, hashHex } from './hash.ts'

function hex(text: string, seed = 0): string {
  const bytes = new TextEncoder().encode(text)
  const out = new Uint32Array(4)
  hash128(bytes, 0, bytes.length, seed, out)
  return hashHex(out)
}

describe('hash128', () => {
  it('gives what other implementations of MurmurHash3 x86_128 give', () => {
    assert.equal(hex(''), '00000000000000000000000000000000')
    assert.equal(hex('I will not buy this record, it is scratched.'), 'a0a9683b25ac5e40d9af2895890dddf5')
    assert.equal(hex('The quick brown fox jumps over the lazy dog'), '2f1583c3ecee2c675d7bf66ce5e91d2c')
  })

  it('hashes the part asked for, whatever is around it', () => {
    const out = new Uint32Array(4)
    for (let length = 0; length <= 40; length++) {
      const part = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP'.slice(0, length)
      const padded = new TextEncoder().encode(`xx${part}yyyyyyyyyyyyyyyyyyyy`)
      hash128(padded, 2, 2 + length, 7, out)
      assert.equal(hashHex(out), hex(part, 7), `${length} bytes`)
    }
  })

  it('differs by seed, and for every length of tail', () => {
    const hashes = new Set<string>()
    for (let length = 1; length <= 33; length++) {
      hashes.add(hex('a'.repeat(length), 1))
      hashes.add(hex('a'.repeat(length), 2))
    }
    assert.equal(hashes.size, 66)
  })

  it('can be cut to fewer words', () => {
    assert.equal(hashHex(Uint32Array.of(1, 0xabcdef01, 3, 4), 2), '00000001abcdef01')
  })
})
