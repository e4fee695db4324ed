/** LIKE: `%` is any characters, `_` is one, `\` takes the next character as it is (as in PostgreSQL). */

export interface LikePattern {
  /** What stands between the `%`, by character; null is `_`. */
  readonly parts: readonly (readonly (string | null)[])[]
  /** The pattern as a regular expression in RE2's syntax, anchored at both ends. */
  readonly regex: string
}

/** @throws SyntaxError where the pattern ends in its escape character */
export function parseLike(pattern: string): LikePattern {
  const parts: (string | null)[][] = [[]]
  let regex = ''
  let escaped = false
  for (const character of pattern) {
    if (!escaped && character === '\\') {
      escaped = true
      continue
    }
    if (!escaped && character === '%') {
      parts.push([])
      regex += '.*'
    } else if (!escaped && character === '_') {
      parts.at(-1)!.push(null)
      regex += '.'
    } else {
      parts.at(-1)!.push(character)
      regex += escapeRegex(character)
    }
    escaped = false
  }
  if (escaped) throw new SyntaxError('a LIKE pattern cannot end in \\')
  return { parts, regex: `^${regex}$` }
}

/** The text as RE2 reads it literally. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&')
}

/**
 * A test of whole texts. Each part is looked for at the first place it fits after the one before, which is enough: time
 * is at most length of text times length of pattern, whatever they hold.
 */
export function likeTest({ parts }: LikePattern): (text: string) => boolean {
  if (parts.some((part) => part.includes(null))) {
    const test = inOrder<readonly (string | null)[]>(parts, findCharacters)
    return (text) => test(Array.from(text))
  }
  const texts = parts.map((part) => part.join(''))
  return inOrder<string>(texts, (text, part, from) => text.indexOf(part, from))
}

/** @param find the first place at or after `from` where the part fits, -1 where there is none */
function inOrder<T extends string | readonly unknown[]>(
  parts: readonly T[],
  find: (text: T, part: T, from: number) => number,
): (text: T) => boolean {
  const first = parts[0]
  const middle = parts.slice(1, -1)
  const last = parts[parts.length - 1]
  const fitsAt = (text: T, part: T, at: number) => find(text.slice(at, at + part.length) as T, part, 0) === 0
  if (parts.length === 1) return (text) => text.length === first.length && fitsAt(text, first, 0)
  return (text) => {
    if (!fitsAt(text, first, 0)) return false
    let at = first.length
    for (const part of middle) {
      const found = find(text, part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return text.length - last.length >= at && fitsAt(text, last, text.length - last.length)
  }
}

function findCharacters(text: readonly (string | null)[], part: readonly (string | null)[], from: number): number {
  for (let at = from; at + part.length <= text.length; at++) {
    if (part.every((character, offset) => character === null || character === text[at + offset])) return at
  }
  return -1
}
