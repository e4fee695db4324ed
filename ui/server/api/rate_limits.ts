/** Token buckets, a bounded number of them. */

export interface BucketOptions {
  /** Requests that may come at once. */
  readonly burst: number
  readonly perSecond: number
  /** The bucket that was used longest ago gives way. */
  readonly maxBuckets?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

export class TokenBuckets {
  readonly #options: Required<BucketOptions>
  /** In the order of their last use. */
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor({ maxBuckets = 10_000, now = () => performance.now(), ...options }: BucketOptions) {
    this.#options = { maxBuckets, now, ...options }
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes one for `name`. @returns 0, or the whole seconds after which there is one again */
  take(name: string): number {
    const { burst, perSecond, maxBuckets, now } = this.#options
    const at = now()
    const bucket = this.#buckets.get(name) ?? { tokens: burst, at }
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond)
    bucket.at = at
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    if (this.#buckets.size > maxBuckets) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / perSecond)
    bucket.tokens -= 1
    return 0
  }
  /** Puts back what was taken for nothing. */
  give(name: string): void {
    const bucket = this.#buckets.get(name)
    if (bucket !== undefined) bucket.tokens = Math.min(this.#options.burst, bucket.tokens + 1)
  }
}
