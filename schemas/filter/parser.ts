/**
 * Text to filter, by recursive descent:
 *
 * ```
 * filter     = conjunction { OR conjunction }
 * conjunction= negation { [AND] negation }            two conditions side by side must both hold
 * negation   = NOT negation | condition
 * condition  = "(" filter ")" | word | phrase | literal "=" ANY "(" column ")" | operand [test]
 * operand    = column { "->" key } [ "->>" key ]
 * test       = comparator literal | [NOT] IN "(" literal { "," literal } ")" | [NOT] BETWEEN literal AND literal
 *            | IS [NOT] NULL | [NOT] LIKE text | [NOT] ILIKE text | "~" text | "!~" text
 * ```
 */
import type { SqlType, Table, TableColumn } from '../tables/tables.ts'
import { type Comparator, type Filter, FilterError, type Literal, type Matcher, type Operand } from './filter.ts'
import { searchedColumns } from './full_text.ts'
import { readLiteral } from './literals.ts'
import { compilePattern } from './patterns.ts'
import { type Token, tokenize } from './tokens.ts'

const MAX_DEPTH = 100
const COMPARATORS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>='])
const MATCHERS: Readonly<Record<string, Matcher>> = { LIKE: 'like', ILIKE: 'ilike', '~': 'regex', '!~': 'regex' }
const KEYWORDS = /^(and|or|not|in|between|is|null|like|ilike|any|true|false)$/i

/**
 * Reads a filter on the events of a table. @returns null for a text of nothing but space: every event passes
 * @throws FilterError with the position and what was expected there
 */
export function parseFilter(source: string, table: Table): Filter | null {
  const tokens = tokenize(source)
  if (tokens.length === 1) return null
  const parser = new Parser(tokens, table)
  const filter = parser.disjunction()
  parser.end()
  return filter
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #table: Table
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], table: Table) {
    this.#tokens = tokens
    this.#table = table
  }

  disjunction(): Filter {
    const terms = [this.#conjunction()]
    while (this.#take('OR')) terms.push(this.#conjunction())
    return terms.length === 1 ? terms[0] : { kind: 'or', terms }
  }

  end(): void {
    if (this.#peek().kind !== 'end') throw this.#expected('AND, OR or the end')
  }

  #conjunction(): Filter {
    const terms = [this.#negation()]
    while (this.#take('AND') || this.#beginsCondition()) terms.push(this.#negation())
    return terms.length === 1 ? terms[0] : { kind: 'and', terms }
  }

  /** True where a further condition begins without AND: a word, a phrase, a number, a parenthesis, NOT. */
  #beginsCondition(): boolean {
    const { kind, value } = this.#peek()
    if (kind === 'word') return !KEYWORDS.test(value) || /^not$/i.test(value)
    return kind === 'phrase' || kind === 'number' || value === '('
  }

  #negation(): Filter {
    if (++this.#depth > MAX_DEPTH) throw new FilterError(`nested over ${MAX_DEPTH} deep`, this.#peek().position)
    const filter: Filter = this.#take('NOT') ? { kind: 'not', term: this.#negation() } : this.#condition()
    this.#depth--
    return filter
  }

  #condition(): Filter {
    const token = this.#next()
    if (token.kind === 'symbol' && token.value === '(') {
      const inner = this.disjunction()
      this.#expect(')')
      return inner
    }
    if (token.kind === 'phrase') return this.#search(token)
    const isOperand = this.#peek().kind === 'symbol' && !/^[(),]$/.test(this.#peek().value)
    if (token.kind === 'text' && isOperand) return this.#any(token)
    if (token.kind === 'number' && !isOperand) return this.#search(token)
    if (token.kind !== 'word' || KEYWORDS.test(token.value)) throw this.#expected('a column, a word or a phrase', token)
    const column = this.#column(token)
    if (column !== undefined) return this.#test(this.#operand(column), token)
    if (isOperand || /^(is|in|between|like|ilike)$/i.test(this.#peek().value)) throw this.#unknown(token)
    return this.#search(token)
  }

  #search({ value, source, position }: Token): Filter {
    if (value === '') throw new FilterError(`${source} is empty`, position)
    return { kind: 'text', columns: searchedColumns(this.#table), phrase: value }
  }

  #any({ value }: Token): Filter {
    this.#expect('=')
    this.#expect('ANY')
    this.#expect('(')
    const token = this.#next()
    const column = token.kind === 'word' ? this.#column(token) : undefined
    if (column?.type !== 'text[]') throw this.#expected('a column that is a list of texts, like hashes', token)
    this.#expect(')')
    return { kind: 'any', operand: { kind: 'column', column: this.#stored(column, token) }, value }
  }

  #operand(column: TableColumn): Operand {
    const start = this.#previous()
    const keys: (string | number)[] = []
    for (;;) {
      const arrow = this.#peek()
      if (arrow.value !== '->' && arrow.value !== '->>') break
      if (column.type !== 'json') throw new FilterError(`${column.name} is ${column.type}, not json`, arrow.position)
      this.#next()
      keys.push(this.#key())
      // An object of attributes has no order: its first key is a name.
      if (typeof keys[0] === 'number' && isAttributes(column)) throw this.#expected('a key in quotes', this.#previous())
      if (arrow.value === '->>') return { kind: 'path', column: this.#stored(column, start), keys }
    }
    if (keys.length > 0) throw this.#expected('->> and a key: the last step must give text')
    return { kind: 'column', column: this.#stored(column, start) }
  }

  #key(): string | number {
    const key = this.#next()
    if (key.kind === 'text') return key.value
    if (key.kind === 'number' && /^\d{1,9}$/.test(key.value)) return Number(key.value)
    throw this.#expected("a key in single quotes, like 'http.route'", key)
  }

  #test(operand: Operand, start: Token): Filter {
    const what = this.#written(start)
    const type: SqlType = operand.kind === 'path' ? 'text' : operand.column.type
    const whole = operand.kind === 'column' && operand.column.type === 'json'
    const token = this.#peek()
    if (this.#take('IS')) {
      const negated = this.#take('NOT')
      this.#expect('NULL')
      if (whole) this.#refuseObjects(operand.column, token)
      return negate({ kind: 'is_null', operand }, negated)
    }
    if (token.kind === 'symbol' && COMPARATORS.has(token.value)) {
      this.#comparable(type, what, token)
      this.#next()
      const value = this.#literal(type, what, token.source)
      return { kind: 'compare', operand, comparator: token.value as Comparator, value }
    }
    const negated = this.#take('NOT')
    const word = this.#peek()
    const name = word.kind === 'phrase' ? '' : word.value.toUpperCase()
    if (type === 'boolean' && !negated && !(name in MATCHERS) && !/^(IN|BETWEEN)$/.test(name)) {
      return { kind: 'compare', operand, comparator: '=', value: { type: 'boolean', value: true } }
    }
    this.#next()
    if (name === 'IN' || name === 'BETWEEN') {
      this.#comparable(type, what, word)
      return negate(name === 'IN' ? this.#in(operand, type, what) : this.#between(operand, type, what), negated)
    }
    const matcher = MATCHERS[name]
    if (matcher !== undefined) {
      if (whole) this.#refuseObjects(operand.column, word)
      return negate(this.#match(operand, type, what, matcher, word), negated || name === '!~')
    }
    throw this.#expected(`an operator after ${what} (to search for a word, put it in double quotes)`, word)
  }

  #in(operand: Operand, type: SqlType, what: string): Filter {
    this.#expect('(')
    const values = [this.#literal(type, what, '(')]
    while (this.#take(',')) values.push(this.#literal(type, what, ','))
    this.#expect(')')
    return { kind: 'in', operand, values }
  }

  #between(operand: Operand, type: SqlType, what: string): Filter {
    const low = this.#literal(type, what, 'BETWEEN')
    this.#expect('AND')
    const high = this.#literal(type, what, 'AND')
    const bound = (comparator: Comparator, value: Literal): Filter => ({ kind: 'compare', operand, comparator, value })
    return { kind: 'and', terms: [bound('>=', low), bound('<=', high)] }
  }

  #match(operand: Operand, type: SqlType, what: string, matcher: Matcher, operator: Token): Filter {
    if (type !== 'text' && type !== 'json') {
      throw new FilterError(`${what} is ${type}: ${operator.source} is for texts`, operator.position)
    }
    const token = this.#next()
    if (token.kind !== 'text') throw this.#expected(`a pattern in single quotes after ${operator.source}`, token)
    try {
      compilePattern(matcher, token.value)
    } catch (cause) {
      throw new FilterError((cause as Error).message, token.position)
    }
    return { kind: 'match', operand, matcher, pattern: token.value }
  }

  #literal(type: SqlType, what: string, after: string): Literal {
    const token = this.#next()
    if (token.kind === 'end' || token.kind === 'symbol') throw this.#expected(`a value after ${after}`, token)
    return readLiteral(token, type, what)
  }

  #comparable(type: SqlType, what: string, token: Token): void {
    if (type === 'json') {
      throw new FilterError(`${what} is json: take a text out of it with ->>'key', or use LIKE`, token.position)
    }
    if (type.endsWith('[]')) throw new FilterError(`${what} is a list: write 'value' = ANY(${what})`, token.position)
  }

  /** The two objects are put together from many columns; in a filter only their keys have a meaning worth its cost. */
  #refuseObjects(column: TableColumn, token: Token): void {
    if (isAttributes(column)) throw new FilterError(`name a key of it: ${column.name}->>'key'`, token.position)
  }

  #column(token: Token): TableColumn | undefined {
    const name = token.value.toLowerCase()
    return this.#table.columns.find((column) => column.name === name)
  }

  #stored(column: TableColumn, token: Token): TableColumn {
    if (this.#table.stored.includes(column)) return column
    throw new FilterError(`${column.name} is put together from other columns: filter on those`, token.position)
  }

  /** The operand that began at `start`, as the user wrote it, up to here. */
  #written(start: Token): string {
    const from = this.#tokens.indexOf(start)
    return this.#tokens
      .slice(from, this.#at)
      .map((token) => token.source)
      .join('')
  }

  #peek(): Token {
    return this.#tokens[this.#at]
  }

  #previous(): Token {
    return this.#tokens[this.#at - 1]
  }

  #next(): Token {
    return this.#tokens[this.#peek().kind === 'end' ? this.#at : this.#at++]
  }

  #isNext(wanted: string): boolean {
    const { kind, value } = this.#peek()
    return (kind === 'word' || kind === 'symbol') && value.toUpperCase() === wanted
  }

  #take(wanted: string): boolean {
    const taken = this.#isNext(wanted)
    if (taken) this.#at++
    return taken
  }

  #expect(wanted: string): void {
    if (!this.#take(wanted)) throw this.#expected(wanted)
  }

  #expected(what: string, token: Token = this.#peek()): FilterError {
    return new FilterError(`expected ${what}, not ${token.source}`, token.position)
  }

  #unknown({ value, position }: Token): FilterError {
    return new FilterError(`${this.#table.name} has no column ${value}`, position)
  }
}

function isAttributes({ name }: TableColumn): boolean {
  return name === 'attributes' || name === 'resource'
}

function negate(filter: Filter, negated: boolean): Filter {
  return negated ? { kind: 'not', term: filter } : filter
}
