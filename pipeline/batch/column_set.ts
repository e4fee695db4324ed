/** The columns of a batch while it is being built, by name. */
import { BooleanBuilder, DictionaryBuilder, DoubleBuilder, LongBuilder } from './builder.ts'
import type { Column } from './column.ts'

export type Builder = DictionaryBuilder | LongBuilder | DoubleBuilder | BooleanBuilder

const encoder = new TextEncoder()

export class ColumnSet {
  readonly #builders = new Map<string, Builder>()

  text(name: string): DictionaryBuilder {
    return this.#add(name, new DictionaryBuilder('text'))
  }

  json(name: string): DictionaryBuilder {
    return this.#add(name, new DictionaryBuilder('json'))
  }

  long(name: string): LongBuilder {
    return this.#add(name, new LongBuilder())
  }

  double(name: string): DoubleBuilder {
    return this.#add(name, new DoubleBuilder())
  }

  boolean(name: string): BooleanBuilder {
    return this.#add(name, new BooleanBuilder())
  }

  /** A text column whose values are some of `choices`. */
  choice(name: string, choices: readonly string[]): ChoiceBuilder {
    return new ChoiceBuilder(this.text(name), choices)
  }

  /** The columns that hold a value, each of `rows` rows. */
  finish(rows: number): Map<string, Column> {
    const columns = new Map<string, Column>()
    for (const [name, builder] of this.#builders) if (builder.rows > 0) columns.set(name, builder.finish(rows))
    return columns
  }

  #add<T extends Builder>(name: string, builder: T): T {
    if (this.#builders.has(name)) throw new RangeError(`column ${name} is there twice`)
    this.#builders.set(name, builder)
    return builder
  }
}

/** Sets rows to one of a few texts without touching the text. */
export class ChoiceBuilder {
  readonly #builder: DictionaryBuilder
  readonly #choices: readonly string[]
  /** By choice; -1 before its first use. */
  readonly #entries: Int32Array

  constructor(builder: DictionaryBuilder, choices: readonly string[]) {
    this.#builder = builder
    this.#choices = choices
    this.#entries = new Int32Array(choices.length).fill(-1)
  }

  /** @param choice index into the choices */
  set(row: number, choice: number): void {
    let entry = this.#entries[choice]
    if (entry < 0) {
      const bytes = encoder.encode(this.#choices[choice])
      entry = this.#builder.entry(bytes, 0, bytes.length)
      this.#entries[choice] = entry
    }
    this.#builder.setEntry(row, entry)
  }
  /** Gives rows `from + 1` to `to` (exclusive) what row `from`, the last one set, holds. */
  repeat(from: number, to: number): void {
    this.#builder.repeat(from, to)
  }
}
