/**
 * A filter as a test of batches: which rows pass. A text is tested once for all rows that have it; a filter that nothing
 * can pass any more looks at no further column.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import { type Column, isDictionary } from '#pipeline/batch/column.ts'
import { invariant } from '#pipeline/errors/errors.ts'
import { storedColumn } from '../tables/stored.ts'
import type { Comparator, Filter, Literal, Operand } from './filter.ts'
import { foldCase } from './fold.ts'
import { compilePattern } from './patterns.ts'
import { columnTexts, pathTexts, plainTexts, type TextView } from './text_view.ts'

/** Rows that pass, ascending. The batch is of the table the filter was read for. */
export type Predicate = (batch: Batch) => readonly number[]

const FALSE = 0
const TRUE = 1
const NULL = 2
/** One truth a row. */
type Truths = Uint8Array
type Test = (batch: Batch) => Truths

/** @param filter null: every row passes */
export function compilePredicate(filter: Filter | null): Predicate {
  if (filter === null) return (batch) => Array.from({ length: batch.eventCount }, (_, row) => row)
  const test = compile(filter)
  return (batch) => {
    const truths = test(batch)
    const rows: number[] = []
    for (let row = 0; row < truths.length; row++) if (truths[row] === TRUE) rows.push(row)
    return rows
  }
}

function compile(filter: Filter): Test {
  switch (filter.kind) {
    case 'and':
      return junction(filter.terms.map(compile), FALSE)
    case 'or':
      return junction(filter.terms.map(compile), TRUE)
    case 'not': {
      const term = compile(filter.term)
      return (batch) => term(batch).map((truth) => (truth === NULL ? NULL : 1 - truth))
    }
    case 'is_null':
      return nullTest(filter.operand)
    case 'compare':
      return comparison(filter.operand, filter.comparator, filter.value)
    case 'in':
      return junction(
        filter.values.map((value) => comparison(filter.operand, '=', value)),
        TRUE,
      )
    case 'match': {
      const { test, folded } = compilePattern(filter.matcher, filter.pattern)
      return textTest(filter.operand, test, folded)
    }
    case 'any': {
      const { value } = filter
      return textTest(filter.operand, (list) => (JSON.parse(list) as unknown[]).includes(value), false)
    }
    case 'text':
      return fullText(filter.columns, foldCase(filter.phrase))
  }
}

/**
 * AND (`decisive` is FALSE) and OR (TRUE) of three truths: one decisive term decides, else one NULL makes it NULL.
 * Each term gives fresh truths, which are used up here.
 */
function junction(terms: readonly Test[], decisive: typeof FALSE | typeof TRUE): Test {
  return (batch) => {
    const result = terms[0](batch)
    for (const term of terms.slice(1)) {
      if (result.every((truth) => truth === decisive)) break
      const other = term(batch)
      for (let row = 0; row < result.length; row++) {
        if (result[row] === decisive) continue
        if (other[row] === decisive || other[row] === NULL) result[row] = other[row]
      }
    }
    return result
  }
}

/** The texts of an operand; null where every row is null. */
function textsOf(operand: Operand, batch: Batch): TextView | null {
  if (operand.kind === 'path') return pathTexts(batch, operand)
  const column = storedColumn(batch, operand.column.name)
  if (column === null) return null
  invariant(isDictionary(column), `column ${operand.column.name} is ${column.type}, not text`)
  return columnTexts(column)
}

function textTest(operand: Operand, test: (text: string) => boolean, folded: boolean): Test {
  return (batch) => testTexts(textsOf(operand, batch), batch.eventCount, test, folded)
}

const UNKNOWN = 3

function testTexts(view: TextView | null, rows: number, test: (text: string) => boolean, folded: boolean): Truths {
  const truths = new Uint8Array(rows)
  if (view === null) return truths.fill(NULL)
  const { indexes, count } = view
  const verdicts = new Uint8Array(count + 1).fill(UNKNOWN)
  verdicts[0] = NULL
  for (let row = 0; row < rows; row++) {
    const index = indexes[row]
    if (verdicts[index] === UNKNOWN) {
      verdicts[index] = test(folded ? view.folded(index - 1) : view.text(index - 1)) ? TRUE : FALSE
    }
    truths[row] = verdicts[index]
  }
  return truths
}

function fullText(columns: Extract<Filter, { kind: 'text' }>['columns'], phrase: string): Test {
  return (batch) => {
    const found = new Uint8Array(batch.eventCount)
    for (const column of columns) {
      const view = column.type === 'json' ? plainTexts(batch, column.name) : textsOf({ kind: 'column', column }, batch)
      if (view === null) continue
      const truths = testTexts(view, found.length, (text) => text.includes(phrase), true)
      for (let row = 0; row < found.length; row++) if (truths[row] === TRUE) found[row] = TRUE
    }
    return found
  }
}

function nullTest(operand: Operand): Test {
  return (batch) => {
    const truths = new Uint8Array(batch.eventCount)
    if (operand.kind === 'path') {
      const view = pathTexts(batch, operand)
      return truths.map((_, row) => (view === null || view.indexes[row] === 0 ? TRUE : FALSE))
    }
    const column = storedColumn(batch, operand.column.name)
    return column === null ? truths.fill(TRUE) : truths.map((_, row) => (isNull(column, row) ? TRUE : FALSE))
  }
}

function isNull(column: Column, row: number): boolean {
  if (isDictionary(column)) return column.indexes[row] === 0
  return column.type === 'boolean' ? column.values[row] === 2 : column.present !== null && column.present[row] === 0
}

const HOLDS: Record<Comparator, (order: number) => boolean> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

function comparison(operand: Operand, comparator: Comparator, { value }: Literal): Test {
  const holds = HOLDS[comparator]
  if (typeof value === 'string') {
    const test =
      comparator === '=' ? (text: string) => text === value : (text: string) => holds(compareUtf8(text, value))
    return textTest(operand, test, false)
  }
  invariant(operand.kind === 'column', 'a path gives text')
  const { name } = operand.column
  const wanted = typeof value === 'boolean' ? Number(value) : value
  return (batch) => {
    const truths = new Uint8Array(batch.eventCount)
    const column = storedColumn(batch, name)
    if (column === null) return truths.fill(NULL)
    invariant(!isDictionary(column), `column ${name} is ${column.type}`)
    const { values } = column
    for (let row = 0; row < truths.length; row++) {
      truths[row] = isNull(column, row) ? NULL : holds(compareValues(values[row], wanted)) ? TRUE : FALSE
    }
    return truths
  }
}

/** As PostgreSQL orders doubles: NaN is equal to itself and above everything; 0 and -0 are equal. */
function compareValues(one: bigint | number, other: bigint | number): number {
  if (one === other) return 0
  if (Number.isNaN(one)) return 1
  return one < other ? -1 : 1
}

/**
 * The order of the texts' UTF-8 bytes, which is that of their code points. UTF-16 differs from it only where one text
 * has a surrogate and the other a character from U+E000 up: surrogates are put above those.
 */
export function compareUtf8(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const difference = rank(one.charCodeAt(at)) - rank(other.charCodeAt(at))
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
