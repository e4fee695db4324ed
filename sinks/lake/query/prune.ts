/**
 * Which files a reference can need, from the Delta statistics: simple comparisons that WHERE joins by AND. What is not
 * understood narrows nothing. Every comparison used here is false for NULL, so it also holds below outer joins.
 */
import type { TableColumn } from '#schemas/tables/tables.ts'
import { type Reference, type Relation, referenceOf } from './references.ts'
import type { LakeFile } from './snapshot.ts'
import { cast, childrenOf, isCall, isColumn, isNode, type Tree, type TreeNode, text } from './sql_tree.ts'

export type Comparator = '=' | '<' | '<=' | '>' | '>='

/** `column <comparator> value`, the value an expression without columns. */
export interface Bound {
  readonly column: TableColumn
  readonly comparator: Comparator
  readonly value: TreeNode
}

/** A bound whose value is known: microseconds for timestamps, text for everything else. */
export interface KnownBound {
  readonly column: string
  readonly comparator: Comparator
  readonly value: number | string
}

/** `now()` is evaluated once for the files and once for the rows, and Delta's timestamps may be cut to milliseconds. */
const SLACK_MICROS = 60_000_000

const COMPARATORS: ReadonlyMap<Tree, Comparator> = new Map([
  ['COMPARE_EQUAL', '='],
  ['COMPARE_LESSTHAN', '<'],
  ['COMPARE_LESSTHANOREQUALTO', '<='],
  ['COMPARE_GREATERTHAN', '>'],
  ['COMPARE_GREATERTHANOREQUALTO', '>='],
])
const FLIPPED: Record<Comparator, Comparator> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }
const TIME_FUNCTIONS = ['+', '-', '*', 'now', 'to_timestamp', 'date_trunc', 'make_timestamptz', 'make_timestamp']
const INTERVALS = [
  'to_days',
  'to_hours',
  'to_minutes',
  'to_seconds',
  'to_milliseconds',
  'to_weeks',
  'to_months',
  'to_years',
]
const KEYWORDS = ['current_timestamp', 'current_date', 'localtimestamp']

/** The bounds a reference's WHERE sets on its own columns. @param siblings the relations of its SELECT */
export function boundsOf(reference: Reference, siblings: readonly Relation[]): readonly Bound[] {
  if (reference.where === null) return []
  const bounds: Bound[] = []
  const add = (left: Tree, comparator: Comparator, right: Tree) => {
    const column = columnOf(left, reference, siblings)
    if (column !== undefined && isNode(right) && isFixed(right)) bounds.push({ column, comparator, value: right })
  }
  for (const term of conjuncts(reference.where)) {
    if (term.class === 'BETWEEN') {
      add(term.input, '>=', term.lower)
      add(term.input, '<=', term.upper)
    }
    const comparator = term.class === 'COMPARISON' ? COMPARATORS.get(term.type) : undefined
    if (comparator === undefined) continue
    add(term.left, comparator, term.right)
    add(term.right, FLIPPED[comparator], term.left)
  }
  return bounds
}

function* conjuncts(node: TreeNode): Generator<TreeNode> {
  if (node.type === 'CONJUNCTION_AND') for (const child of childrenOf(node.children)) yield* conjuncts(child)
  else yield node
}

/** The column where statistics can say something of it: times, the partition, texts. */
function columnOf(node: Tree, reference: Reference, siblings: readonly Relation[]): TableColumn | undefined {
  if (!isColumn(node) || referenceOf(node.column_names, [siblings]) !== reference) return undefined
  const name = node.column_names.at(-1)!.toLowerCase()
  const column = reference.table.columns.find((candidate) => candidate.name === name)
  const usable = name === 'timestamp' || name === 'date' || column?.type === 'text'
  return usable ? column : undefined
}

/** True where the expression's value does not depend on a row. */
function isFixed(node: TreeNode): boolean {
  switch (node.class) {
    case 'CONSTANT':
    case 'PARAMETER':
      return true
    case 'CAST':
      return isNode(node.child) && isFixed(node.child)
    case 'COLUMN_REF':
      return isColumn(node) && node.column_names.length === 1 && KEYWORDS.includes(node.column_names[0].toLowerCase())
    default:
      return (
        isCall(node, ...TIME_FUNCTIONS, ...INTERVALS) && node.children.every((child) => isNode(child) && isFixed(child))
      )
  }
}

/** The expression that gives a bound's value as text: microseconds, an ISO date, or the text itself. */
export function boundValue(bound: Bound): TreeNode {
  if (bound.column.type === 'timestamptz') {
    const micros = {
      class: 'FUNCTION',
      type: 'FUNCTION',
      function_name: 'epoch_us',
      children: [cast(bound.value, 'timestamptz')],
    }
    return cast({ ...micros, order_bys: { type: 'ORDER_MODIFIER' } }, 'varchar')
  }
  return bound.column.type === 'date' ? cast(cast(bound.value, 'date'), 'varchar') : cast(bound.value, 'varchar')
}

/** The expression with `$1` … replaced by their values as text. */
export function withParameters(node: TreeNode, params: readonly unknown[]): TreeNode {
  if (node.class === 'PARAMETER') {
    const value = params[Number(node.identifier) - 1]
    return value === null || value === undefined
      ? cast({ ...text(''), value: nullValue() }, 'varchar')
      : text(String(value))
  }
  const copy: TreeNode = {}
  for (const [member, value] of Object.entries(node)) {
    if (Array.isArray(value)) copy[member] = value.map((item) => (isNode(item) ? withParameters(item, params) : item))
    else copy[member] = isNode(value) ? withParameters(value, params) : value
  }
  return copy
}

function nullValue(): TreeNode {
  return { type: { id: 'VARCHAR' }, is_null: true }
}

/** The files that may hold a row within all bounds. */
export function pruneFiles(files: readonly LakeFile[], bounds: readonly KnownBound[]): readonly LakeFile[] {
  return files.filter((file) => bounds.every((bound) => mayHold(file, bound)))
}

function mayHold(file: LakeFile, bound: KnownBound): boolean {
  if (typeof bound.value === 'number') {
    if (file.minTimestamp === null || file.maxTimestamp === null) return true
    return overlaps(file.minTimestamp - SLACK_MICROS, file.maxTimestamp + SLACK_MICROS, bound.comparator, bound.value)
  }
  if (bound.column === 'date') return overlaps(file.date, file.date, bound.comparator, bound.value)
  const least = file.min[bound.column]
  const greatest = file.max[bound.column]
  if (bound.comparator !== '=' || least === undefined || greatest === undefined) return true
  const value = Buffer.from(bound.value)
  return Buffer.from(least).compare(value) <= 0 && value.compare(Buffer.from(greatest)) <= 0
}

function overlaps<T extends number | string>(min: T, max: T, comparator: Comparator, value: T): boolean {
  switch (comparator) {
    case '=':
      return min <= value && value <= max
    case '<':
      return min < value
    case '<=':
      return min <= value
    case '>':
      return max > value
    case '>=':
      return max >= value
  }
}
