/**
 * What the list of events holds: history above, what arrives below, and marks between them. Bounded: the oldest rows
 * leave a list that follows; a paused list keeps what arrives apart, up to a bound, and then only counts.
 */
import type { ListedEvent } from './event.ts'

/** Said at the very place (`at`, Unix milliseconds): where live begins, and where rows are missing from the list (never from storage). */
export type Mark =
  | { readonly mark: 'live'; readonly at: number; readonly history: number }
  | { readonly mark: 'skipped'; readonly count: number; readonly at: number; readonly to: number }

export type Item = ListedEvent | Mark
export const isMark = (item: Item): item is Mark => 'mark' in item

export const MAX_ROWS = 20_000
/** Rows leave in pieces: taking one away at each arrival would move the whole array each time. */
const TRIM_ROWS = 1_000

export class Feed {
  readonly items: Item[] = []
  following: boolean
  readonly #maxRows: number
  readonly #ids = new Set<string>()
  #waiting: ListedEvent[] = []
  #uncounted = { count: 0, at: 0, to: 0 }

  constructor(following: boolean, maxRows = MAX_ROWS) {
    this.following = following
    this.#maxRows = maxRows
  }

  /** Rows that arrived while paused, those only counted included. */
  get newRows(): number {
    return this.#waiting.length + this.#uncounted.count
  }

  get rows(): number {
    return this.#ids.size - this.#waiting.length
  }

  get isFull(): boolean {
    return this.items.length >= this.#maxRows
  }

  /** Older rows, oldest first, before all others. @returns how many were new */
  prepend(rows: readonly ListedEvent[]): number {
    const fresh = this.#fresh(rows)
    this.items.unshift(...fresh)
    return fresh.length
  }

  /** Rows as they arrive. @returns whether the list changed */
  append(rows: readonly ListedEvent[]): boolean {
    const fresh = this.#fresh(rows)
    if (fresh.length === 0) return false
    if (this.following) {
      for (const row of fresh) this.items.push(row)
      this.#trim()
      return true
    }
    for (const row of fresh) {
      if (this.#waiting.length < this.#maxRows) this.#waiting.push(row)
      else {
        this.#ids.delete(row.id)
        const { count, at } = this.#uncounted
        this.#uncounted = { count: count + 1, at: count === 0 ? row.at : Math.min(at, row.at), to: row.at }
      }
    }
    return false
  }

  /** Puts what is known of some events beside what they have, where they stand. */
  fill(more: ReadonlyMap<string, ListedEvent['more']>): void {
    const filled = (event: ListedEvent): ListedEvent =>
      more.has(event.id) ? { ...event, more: { ...event.more, ...more.get(event.id) } } : event
    for (const [at, item] of this.items.entries()) if (!isMark(item)) this.items[at] = filled(item)
    this.#waiting = this.#waiting.map(filled)
  }

  /** Says where something begins or is missing, after the rows so far. */
  mark(mark: Mark): void {
    this.items.push(mark)
  }

  pause(): void {
    this.following = false
  }

  /** Shows what waited, and says what was only counted. */
  resume(): void {
    this.following = true
    for (const row of this.#waiting) this.items.push(row)
    this.#waiting = []
    if (this.#uncounted.count > 0) this.mark({ mark: 'skipped', ...this.#uncounted })
    this.#uncounted = { count: 0, at: 0, to: 0 }
    this.#trim()
  }

  /** No row twice: history and what arrives overlap by a little. */
  #fresh(rows: readonly ListedEvent[]): ListedEvent[] {
    return rows.filter(({ id }) => {
      if (this.#ids.has(id)) return false
      this.#ids.add(id)
      return true
    })
  }

  #trim(): void {
    const over = this.items.length - this.#maxRows
    if (over <= 0) return
    for (const item of this.items.splice(0, over + Math.min(TRIM_ROWS, this.#maxRows >> 4))) {
      if (!isMark(item)) this.#ids.delete(item.id)
    }
  }
}
