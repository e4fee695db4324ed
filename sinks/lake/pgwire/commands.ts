/**
 * Statements that are about the session and not about data: SET, SHOW, BEGIN … Nothing is ever written here, so a
 * transaction is no more than the state its client sees.
 */
import { userError } from '#schemas/query.ts'
import { skipQuoted } from '../query/quoted.ts'

export type Command =
  /** `value` null: the default. */
  | { readonly kind: 'set'; readonly name: string; readonly value: string | null; readonly tag: 'SET' | 'RESET' }
  | { readonly kind: 'show'; readonly name: string }
  | { readonly kind: 'begin' | 'commit' | 'rollback'; readonly tag: string }
  /** Within a transaction; `rollback` is ROLLBACK TO. */
  | { readonly kind: 'savepoint'; readonly rollback: boolean; readonly tag: string }
  | { readonly kind: 'deallocate'; readonly name: string | null; readonly tag: string }
  | { readonly kind: 'declare'; readonly name: string; readonly sql: string }
  /** `count` rows, Infinity for all. */
  | { readonly kind: 'fetch'; readonly name: string; readonly count: number }
  /** `name` null: all. */
  | { readonly kind: 'close'; readonly name: string | null }
  | { readonly kind: 'reset_all' | 'discard_all' }
  | { readonly kind: 'nothing'; readonly tag: string }

const MAX_WORDS = 100

/** @returns null where the statement is no command: then it is a query, or none of ours @throws QueryError */
export function parseCommand(sql: string): Command | null {
  const first = /^[a-z]+/i.exec(firstWord(sql))?.[0].toLowerCase() ?? ''
  const parse = COMMANDS.get(first)
  if (first === 'declare') return parseDeclare(sql)
  return parse === undefined ? null : parse(new Words(wordsOf(sql)))
}

const COMMANDS: ReadonlyMap<string, (words: Words) => Command> = new Map([
  ['set', parseSet],
  [
    'reset',
    (words) => {
      const name = words.settingName()
      return words.end(
        name.toLowerCase() === 'all'
          ? ({ kind: 'reset_all' } as const)
          : ({ kind: 'set', name, value: null, tag: 'RESET' } as const),
      )
    },
  ],
  ['show', (words) => words.end({ kind: 'show', name: words.settingName() })],
  ['begin', () => ({ kind: 'begin', tag: 'BEGIN' })],
  [
    'start',
    (words) => {
      words.expect('transaction')
      return { kind: 'begin', tag: 'START TRANSACTION' }
    },
  ],
  ['commit', () => ({ kind: 'commit', tag: 'COMMIT' })],
  ['end', () => ({ kind: 'commit', tag: 'COMMIT' })],
  ['abort', () => ({ kind: 'rollback', tag: 'ROLLBACK' })],
  [
    'rollback',
    (words) => {
      words.skip('work', 'transaction')
      return words.skip('to')
        ? { kind: 'savepoint', rollback: true, tag: 'ROLLBACK' }
        : { kind: 'rollback', tag: 'ROLLBACK' }
    },
  ],
  ['savepoint', () => ({ kind: 'savepoint', rollback: false, tag: 'SAVEPOINT' })],
  ['release', () => ({ kind: 'savepoint', rollback: false, tag: 'RELEASE' })],
  [
    'deallocate',
    (words) => {
      words.skip('prepare')
      const name = words.take()
      return name.toLowerCase() === 'all'
        ? { kind: 'deallocate', name: null, tag: 'DEALLOCATE ALL' }
        : { kind: 'deallocate', name, tag: 'DEALLOCATE' }
    },
  ],
  [
    'discard',
    (words) => {
      const what = words.take().toUpperCase()
      return what === 'ALL' ? { kind: 'discard_all' } : { kind: 'nothing', tag: `DISCARD ${what}` }
    },
  ],
  ['fetch', parseFetch],
  [
    'close',
    (words) => {
      const name = words.takeRaw()
      return words.end({ kind: 'close', name: /^all$/i.test(name) ? null : folded(name) })
    },
  ],
  // Nobody notifies, so there is nothing to hear; connection pools send it to tidy up.
  ['unlisten', () => ({ kind: 'nothing', tag: 'UNLISTEN' })],
])

const DECLARE =
  /^\s*declare\s+("(?:[^"]|"")+"|\w+)\s+((?:(?:binary|insensitive|asensitive|no|scroll)\s+)*)cursor\s+(?:(with|without)\s+hold\s+)?for\b/i

/** DECLARE name [ options ] CURSOR [ WITHOUT HOLD ] FOR query */
function parseDeclare(sql: string): Command {
  const match = DECLARE.exec(sql)
  if (match === null) throw userError('42601', 'DECLARE wants a name, CURSOR FOR and a query')
  const [all, name, options, hold] = match
  if (/binary/i.test(options)) throw userError('0A000', 'a binary cursor is not supported')
  if (/scroll/i.test(options.replace(/no\s+scroll/i, ''))) throw userError('0A000', 'a cursor moves forward only')
  if (hold?.toLowerCase() === 'with') throw userError('0A000', 'a cursor ends with its transaction')
  // Blanks before it keep positions in errors true.
  return { kind: 'declare', name: folded(name), sql: ' '.repeat(all.length) + sql.slice(all.length) }
}

/** FETCH [ FORWARD ] [ NEXT | ALL | count ] [ FROM | IN ] name */
function parseFetch(words: Words): Command {
  words.skip('forward')
  let count = 1
  const next = words.takeRaw()
  if (/^\d{1,15}$/.test(next)) count = Number(next)
  else if (/^all$/i.test(next)) count = Number.POSITIVE_INFINITY
  else if (!/^(next|from|in)$/i.test(next)) {
    if (words.isAtEnd) return { kind: 'fetch', name: folded(next), count }
    throw userError('0A000', `FETCH ${next} is not supported: a cursor moves forward only`)
  }
  words.skip('from', 'in')
  return words.end({ kind: 'fetch', name: folded(words.takeRaw()), count })
}

/** SET [SESSION | LOCAL] name { TO | = } value, SET TIME ZONE value, SET TRANSACTION … */
function parseSet(words: Words): Command {
  words.skip('session', 'local')
  if (words.skip('transaction') || words.skip('characteristics')) return { kind: 'nothing', tag: 'SET' }
  if (words.skip('time')) {
    words.expect('zone')
    return { kind: 'set', name: 'TimeZone', value: words.value(), tag: 'SET' }
  }
  if (words.skip('names')) return { kind: 'set', name: 'client_encoding', value: words.value(), tag: 'SET' }
  const name = words.settingName()
  if (!words.skip('to', '=')) throw userError('42601', `SET ${name} wants = and a value`)
  return { kind: 'set', name, value: words.value(), tag: 'SET' }
}

/** Words, punctuation, and what stands in quotes, comments left out. */
class Words {
  readonly #words: readonly string[]
  #at = 1

  constructor(words: readonly string[]) {
    this.#words = words
  }

  take(): string {
    return unquoted(this.takeRaw())
  }

  /** With its quotes. */
  takeRaw(): string {
    const word = this.#words[this.#at++]
    if (word === undefined) throw userError('42601', 'syntax error at end of input')
    return word
  }

  /** True where the next word was one of these and has been taken. */
  skip(...words: readonly string[]): boolean {
    const found = words.includes((this.#words[this.#at] ?? '').toLowerCase())
    if (found) this.#at++
    return found
  }

  expect(word: string): void {
    if (!this.skip(word)) throw userError('42601', `${word.toUpperCase()} is missing`)
  }

  /** `search_path`, `my.setting`, `TIME ZONE`, `TRANSACTION ISOLATION LEVEL`. */
  settingName(): string {
    let name = this.take()
    if (name.toLowerCase() === 'time' && this.skip('zone')) return 'TimeZone'
    if (name.toLowerCase() === 'transaction' && this.skip('isolation')) {
      this.expect('level')
      return 'transaction_isolation'
    }
    while (this.skip('.')) name += `.${this.take()}`
    return name
  }

  /** All that is left; null for DEFAULT. */
  value(): string | null {
    const words = this.#words.slice(this.#at)
    this.#at = this.#words.length
    if (words.length === 0) throw userError('42601', 'syntax error at end of input')
    if (words.length === 1 && words[0].toLowerCase() === 'default') return null
    return words
      .map(unquoted)
      .join(' ')
      .replaceAll(/ ?([,.-]) ?/g, (_, mark) => (mark === ',' ? ', ' : mark))
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#words.length
  }

  end<T>(result: T): T {
    if (!this.isAtEnd) throw userError('42601', `syntax error at or near "${this.#words[this.#at]}"`)
    return result
  }
}

function wordsOf(sql: string): string[] {
  const words: string[] = []
  let at = 0
  while (at < sql.length) {
    const quoted = skipQuoted(sql, at)
    const end = quoted > at ? quoted : at + (/^[\w$]+/.exec(sql.slice(at, at + 1000))?.[0].length ?? 1)
    const word = sql.slice(at, end)
    if (word.trim() !== '' && !/^(--|\/\*)/.test(word)) words.push(word)
    if (words.length > MAX_WORDS) throw userError('54000', `a command has at most ${MAX_WORDS} words`)
    at = end
  }
  return words
}

/** The text from the first word on, blanks and comments before it left out. */
function firstWord(sql: string): string {
  let at = 0
  while (at < sql.length) {
    if (sql[at].trim() === '') at++
    else if (sql.startsWith('--', at) || sql.startsWith('/*', at)) at = skipQuoted(sql, at)
    else break
  }
  return sql.slice(at, at + 20)
}

function unquoted(word: string): string {
  if (word.startsWith("'")) return word.slice(1, -1).replaceAll("''", "'")
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word
}

/** A name without quotes means the same in capitals. */
function folded(name: string): string {
  return name.startsWith('"') ? unquoted(name) : name.toLowerCase()
}
