/** The words of the filter language. Positions are characters from 1. */
import { FilterError } from './filter.ts'

export interface Token {
  /**
   * `word`: a name, keyword or bare search word. `text`: `'…'`, quotes taken off. `phrase`: `"…"`, quotes taken off.
   * `symbol`: an operator, parenthesis or comma.
   */
  readonly kind: 'word' | 'number' | 'text' | 'phrase' | 'symbol' | 'end'
  readonly value: string
  /** As it stands in the filter; for messages. */
  readonly source: string
  readonly position: number
}

export const MAX_FILTER_CHARACTERS = 8192

const SPACE = /\s*/y
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_.]|-(?!>))/uy
/** A hyphen belongs to the word unless it begins an arrow: `attributes->>'x'`. */
const WORD = /[\p{L}\p{N}_](?:[\p{L}\p{N}_.]|-(?!>))*/uy
const TEXT = /'(?:[^']|'')*'/y
const PHRASE = /"(?:[^"]|"")*"/y
const SYMBOL = /->>|->|<>|!=|<=|>=|!~|[=<>~(),]/y

/** @throws FilterError where something is no word of the language */
export function tokenize(source: string): readonly Token[] {
  if (source.length > MAX_FILTER_CHARACTERS) {
    throw new FilterError(`a filter has at most ${MAX_FILTER_CHARACTERS} characters`, MAX_FILTER_CHARACTERS + 1)
  }
  const nul = source.indexOf('\0')
  if (nul >= 0) throw new FilterError('a filter cannot hold a NUL character', nul + 1)
  const tokens: Token[] = []
  let at = 0
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0] ?? null
  }
  const add = (kind: Token['kind'], text: string, value = text) => {
    tokens.push({ kind, value, source: text, position: at + 1 })
    at += text.length
  }
  for (;;) {
    at += take(SPACE)!.length
    if (at === source.length) break
    const text = take(TEXT)
    const phrase = take(PHRASE)
    const number = take(NUMBER)
    const word = take(WORD)
    const symbol = take(SYMBOL)
    if (text !== null) add('text', text, text.slice(1, -1).replaceAll("''", "'"))
    else if (phrase !== null) add('phrase', phrase, phrase.slice(1, -1).replaceAll('""', '"'))
    else if (number !== null) add('number', number)
    else if (word !== null) add('word', word)
    else if (symbol !== null) add('symbol', symbol, symbol === '!=' ? '<>' : symbol)
    else throw new FilterError(unreadable(source[at]), at + 1)
  }
  tokens.push({ kind: 'end', value: '', source: 'the end', position: source.length + 1 })
  return tokens
}

function unreadable(character: string): string {
  if (character === "'" || character === '"') return `the ${character} is never closed`
  return `unexpected ${character}: put text to search for in double quotes`
}
