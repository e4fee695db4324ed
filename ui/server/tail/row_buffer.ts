/**
 * Rows on their way to one viewer. Bounded by number and size: where it is full the oldest go and are counted, so the
 * gap lies between what was sent last and what is sent next.
 */
export interface RowBufferOptions {
  readonly maxRows: number
  /** Of the rows' JSON, in characters. */
  readonly maxSize: number
}

export interface BufferedRows {
  readonly rows: readonly string[]
  /** Rows left out before these. */
  readonly skipped: number
}

export class RowBuffer {
  readonly #options: RowBufferOptions
  /** Not empty, oldest first. */
  #chunks: (readonly string[])[] = []
  #rows = 0
  #size = 0
  #skipped = 0

  constructor(options: RowBufferOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#rows === 0 && this.#skipped === 0
  }

  /** In characters. */
  get size(): number {
    return this.#size
  }

  get isHalfFull(): boolean {
    return this.#rows * 2 > this.#options.maxRows || this.#size * 2 > this.#options.maxSize
  }

  /**
   * @param rows JSON objects, in order
   * @param whenFull `keep` goes over the bound by these rows, for one who waits for room before each call
   */
  push(rows: readonly string[], whenFull: 'drop' | 'keep' = 'drop'): void {
    this.#chunks.push(rows)
    this.#rows += rows.length
    this.#size += sizeOf(rows)
    if (whenFull === 'drop') this.#dropOldest()
  }

  take(): BufferedRows {
    const taken = { rows: this.#chunks.flat(), skipped: this.#skipped }
    this.#chunks = []
    this.#rows = this.#size = this.#skipped = 0
    return taken
  }

  /** Whole chunks as far as that goes, then single rows of the last. */
  #dropOldest(): void {
    const { maxRows, maxSize } = this.#options
    const isOver = () => this.#rows > maxRows || this.#size > maxSize
    while (isOver() && this.#chunks.length > 1) this.#dropped(this.#chunks.shift()!)
    if (!isOver()) return
    const [rows] = this.#chunks
    let gone = 0
    while (isOver()) this.#dropped([rows[gone++]])
    this.#chunks = [rows.slice(gone)]
  }

  #dropped(rows: readonly string[]): void {
    this.#rows -= rows.length
    this.#size -= sizeOf(rows)
    this.#skipped += rows.length
  }
}

function sizeOf(rows: readonly string[]): number {
  let size = 0
  for (const row of rows) size += row.length
  return size
}
