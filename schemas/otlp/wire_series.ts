/**
 * The id of a series: a 128-bit hash of the metric's name, type and unit, its resource, scope and attributes. Each part is
 * hashed alone and the hashes are added, so the order of attributes does not matter.
 */
import type { DictionaryBuilder } from '#pipeline/batch/builder.ts'
import { grown } from '#pipeline/batch/grown.ts'
import { avalanche, type Hash128, hash128, writeHashHex } from '#pipeline/batch/hash.ts'
import type { RowRange } from './wire_signal.ts'

/** What a part says, as the seed of its hash: the same bytes mean something else as name and as unit. */
export const PART = { name: 1, unit: 2, type: 3, attribute: 4, resource: 5, scopeName: 6, scopeVersion: 7, scope: 8 }

const DIGITS = 32

export class SeriesIds {
  readonly #builder: DictionaryBuilder
  /** Four words a row: the sum of its parts. */
  #sums: Hash128 = new Uint32Array(0)
  readonly #hash: Hash128 = new Uint32Array(4)

  constructor(builder: DictionaryBuilder) {
    this.#builder = builder
  }

  /** Adds the part `bytes[from..to)` to the rows' ids. */
  add(rows: RowRange, part: number, bytes: Uint8Array, from: number, to: number): void {
    if (rows.end * 4 > this.#sums.length) this.#sums = grown(this.#sums, rows.end * 4)
    const sums = this.#sums
    const [a, b, c, d] = this.#hashed(part, bytes, from, to)
    for (let at = rows.first * 4; at < rows.end * 4; at += 4) {
      sums[at] += a
      sums[at + 1] += b
      sums[at + 2] += c
      sums[at + 3] += d
    }
  }

  finish(rows: number): void {
    const digits = new Uint8Array(DIGITS)
    const id = this.#hash
    for (let row = 0; row < rows; row++) {
      for (let word = 0; word < 4; word++) id[word] = avalanche(this.#sums[row * 4 + word])
      writeHashHex(id, 4, digits, 0)
      this.#builder.set(row, digits, 0, DIGITS)
    }
  }

  #hashed(part: number, bytes: Uint8Array, from: number, to: number): Hash128 {
    hash128(bytes, from, to, part, this.#hash)
    return this.#hash
  }
}
