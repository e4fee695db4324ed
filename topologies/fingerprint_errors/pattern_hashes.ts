/** The `pat:` hashes of a column's texts, each entry of its dictionary worked out once, when it is first met. */
import type { DictionaryBuilder } from '#pipeline/batch/builder.ts'
import type { DictionaryColumn } from '#pipeline/batch/column.ts'
import { type Hash128, hash128, writeHashHex } from '#pipeline/batch/hash.ts'
import { HASH_WORDS } from './exceptions.ts'
import { PatternWriter } from './pattern.ts'

const NOT_YET = -1
/** An array of one hash; the digits are written over the zeros. */
const TEMPLATE = '["pat:0000000000000000"]'
const DIGITS_AT = TEMPLATE.indexOf('0')
const TEXT_FROM = 2
const TEXT_TO = TEMPLATE.length - 2

export class PatternHashes {
  readonly #column: DictionaryColumn
  readonly #hashes: DictionaryBuilder
  readonly #entries: Int32Array
  readonly #pattern = new PatternWriter()
  readonly #hash: Hash128 = new Uint32Array(4)
  readonly #array = new TextEncoder().encode(TEMPLATE)

  /** @param hashes takes the arrays of a single hash: `["pat:…"]` */
  constructor(column: DictionaryColumn, hashes: DictionaryBuilder) {
    this.#column = column
    this.#hashes = hashes
    this.#entries = new Int32Array(column.offsets.length).fill(NOT_YET)
  }

  has(row: number): boolean {
    return this.#column.indexes[row] !== 0
  }

  /** The entry, in `hashes`, of the array with this row's hash. */
  entry(row: number): number {
    const index = this.#column.indexes[row]
    let entry = this.#entries[index]
    if (entry === NOT_YET) {
      this.#write(index)
      entry = this.#hashes.entry(this.#array, 0, this.#array.length)
      this.#entries[index] = entry
    }
    return entry
  }

  /** `pat:` and 16 hex digits. */
  text(row: number): string {
    this.#write(this.#column.indexes[row])
    return Buffer.from(this.#array.subarray(TEXT_FROM, TEXT_TO)).toString('latin1')
  }

  #write(index: number): void {
    const { data, offsets } = this.#column
    this.#pattern.write(data, offsets[index - 1], offsets[index])
    hash128(this.#pattern.bytes, 0, this.#pattern.size, 0, this.#hash)
    writeHashHex(this.#hash, HASH_WORDS, this.#array, DIGITS_AT)
  }
}
