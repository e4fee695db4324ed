import type { Membership, Position } from '../log/log.ts'

/** Commits a partition's positions one after the other; what waits while a commit is under way goes in the next. */
export class Committer {
  readonly #membership: Pick<Membership, 'commit'>
  #latest: Position | null = null
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  constructor(membership: Pick<Membership, 'commit'>) {
    this.#membership = membership
  }

  /** Resolves once this position, or a later one, is committed. @throws FencedError, TransientError as the log does */
  commit(position: Position): Promise<void> {
    this.#latest = position
    this.#next ??= this.#current.then(() => {
      this.#next = null
      this.#current = this.#membership.commit([this.#latest!])
      return this.#current
    })
    return this.#next
  }
}
