/** What happens in the shop when: a minute that repeats, so that whoever watches sees all of it soon. */

export interface Mood {
  /** Customers ordering at a time. */
  readonly customers: number
  /** Between two orders of a customer. */
  readonly pauseMs: number
  /** What the catalog's database takes for a query. */
  readonly catalogMs: number
  /** The share of payments that fail. */
  readonly failingPayments: number
  /** What runs as checkout. */
  readonly checkoutVersion: string
}

const QUIET: Mood = {
  customers: 4,
  pauseMs: 120,
  catalogMs: 3,
  failingPayments: 0.04,
  checkoutVersion: '1.4.0',
}

/** Seconds of the minute. */
const MOODS: readonly (readonly [from: number, until: number, change: Partial<Mood>])[] = [
  [12, 22, { catalogMs: 450 }],
  [27, 33, { customers: 24, pauseMs: 30 }],
  [39, 50, { failingPayments: 0.5 }],
]

/** Checkout is deployed near the end of the first minute. */
const DEPLOYED = 0.9

/** @param minutes since the shop opened */
export function moodAt(minutes: number): Mood {
  const second = (minutes % 1) * 60
  const now = MOODS.filter(([from, until]) => second >= from && second < until).map(([, , change]) => change)
  return Object.assign({}, QUIET, ...now, minutes >= DEPLOYED ? { checkoutVersion: '1.5.0' } : {})
}
