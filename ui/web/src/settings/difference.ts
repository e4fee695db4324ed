/** What a change changed, field by field. */

export interface Difference {
  /** Of fields in fields: `users.0.email`. */
  readonly name: string
  /** `undefined` where there was, or is, none. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** What differs between two JSON values, in the order of their fields. */
export function differencesOf(before: unknown, after: unknown): Difference[] {
  const was = new Map(leavesOf(before))
  const is = new Map(leavesOf(after))
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((name) => ({ name, before: was.get(name), after: is.get(name) }))
    .filter((each) => each.before !== each.after)
}

function* leavesOf(value: unknown, name = ''): Generator<[name: string, text: string]> {
  if (value === null || value === undefined) {
    // A field that is null says so; a side that is not there at all says nothing.
    if (name !== '') yield [name, 'null']
    return
  }
  if (typeof value !== 'object') {
    yield [name, String(value)]
    return
  }
  const isPlainList = Array.isArray(value) && value.every((item) => typeof item !== 'object')
  if (isPlainList) yield [name, value.length === 0 ? 'none' : value.join(', ')]
  else for (const [key, part] of Object.entries(value)) yield* leavesOf(part, name === '' ? key : `${name}.${key}`)
}
