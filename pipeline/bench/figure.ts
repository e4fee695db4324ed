/** A figure of the bench: what was measured, and what was to be reached. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly toReach: string
  readonly reached: boolean
  readonly detail?: string
}

export type Scenario = () => Promise<Figure[]>

export const atLeast = (what: string, value: number, unit: string, wanted: number, detail = ''): Figure => ({
  what,
  value,
  unit,
  toReach: `≥ ${wanted.toLocaleString('en')}`,
  reached: value >= wanted,
  detail,
})
export const atMost = (what: string, value: number, unit: string, wanted: number, detail = ''): Figure => ({
  what,
  value,
  unit,
  toReach: `≤ ${wanted.toLocaleString('en')}`,
  reached: value <= wanted,
  detail,
})
