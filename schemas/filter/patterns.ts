/** LIKE, ILIKE and `~` as tests of a text. All take time linear in the text: filters come from outside. */
import { RE2JS } from 're2js'
import type { Matcher } from './filter.ts'
import { foldCase } from './fold.ts'
import { likeTest, parseLike } from './like.ts'

/** Instructions of a compiled regular expression: what `(a{30}){30}` may grow to. */
const MAX_PROGRAM = 5_000

export interface Pattern {
  readonly test: (text: string) => boolean
  /** True: `test` wants texts that {@link foldCase} has folded. */
  readonly folded: boolean
}

/** @throws SyntaxError with a sentence where the pattern is none */
export function compilePattern(matcher: Matcher, pattern: string): Pattern {
  switch (matcher) {
    case 'like':
      return { test: likeTest(parseLike(pattern)), folded: false }
    case 'ilike':
      return { test: likeTest(parseLike(foldCase(pattern))), folded: true }
    case 'regex': {
      const regex = compileRegex(pattern)
      return { test: (text) => regex.test(text), folded: false }
    }
  }
}

function compileRegex(pattern: string): RE2JS {
  // RE2 in C++ knows named groups in Python's spelling only, and nobody reads groups here.
  if (pattern.includes('(?<') || pattern.includes('(?P<')) {
    throw new SyntaxError('groups cannot be named here: leave out the name')
  }
  let regex: RE2JS
  try {
    regex = RE2JS.compile(pattern)
  } catch (cause) {
    throw new SyntaxError((cause as Error).message.replace('error parsing regexp: ', ''), { cause })
  }
  if (regex.programSize() > MAX_PROGRAM) throw new SyntaxError('the regular expression is too large')
  return regex
}
