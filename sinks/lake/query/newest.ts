/**
 * "The newest n events", what a list shows: `SELECT … WHERE … ORDER BY timestamp DESC LIMIT n` of one table. Run as it
 * stands it makes every column of every event that matches, and throws all but n away. So first a statement that reads
 * only what WHERE needs finds the time of the nth event; then the view holds nothing older than that.
 */
import { AGGREGATE_FUNCTIONS } from './functions.ts'
import { type Reference, referenceOf } from './references.ts'
import { call, cast, childrenOf, integer, isColumn, isNode, type Tree, type TreeNode } from './sql_tree.ts'

/** Beyond this many rows the second reading costs more than it spares. */
const MAX_ROWS = 10_000

/**
 * The statement that gives the microseconds of the nth event (no row where there are fewer), or null where the shape
 * is another.
 * @param statement bound to its references, not yet rewritten by rules
 */
export function newestThreshold(statement: TreeNode, references: readonly Reference[]): TreeNode | null {
  const select = statement.node as TreeNode
  if (references.length !== 1 || !isPlainSelect(select)) return null
  const [reference] = references
  const [order, limit, ...others] = modifiersOf(select)
  if (order === undefined || limit === undefined || others.length > 0) return null
  const rows = count(limit.limit)
  const skipped = isNode(limit.offset) ? count(limit.offset) : 0
  if (rows === null || skipped === null || rows < 1 || rows + skipped > MAX_ROWS) return null
  const [first] = order.orders as TreeNode[]
  const byTime = first.type === 'DESCENDING' && isTimestamp(first.expression, reference)
  const items = select.select_list as TreeNode[]
  if (!byTime || items.some((item) => multipliesOrHides(item, reference))) return null
  const micros = cast(call('epoch_us', first.expression), 'varchar')
  const nth = { ...limit, limit: integer(1n), offset: integer(BigInt(rows + skipped - 1)) }
  return { ...statement, node: { ...select, select_list: [micros], modifiers: [{ ...order, orders: [first] }, nth] } }
}

/** One SELECT of one table, a row for each of its rows. */
function isPlainSelect(select: TreeNode): boolean {
  const empty = (member: Tree | undefined) => !Array.isArray(member) || member.length === 0
  const ctes = isNode(select.cte_map) ? select.cte_map.map : []
  return (
    select.type === 'SELECT_NODE' &&
    isNode(select.from_table) &&
    select.from_table.type === 'BASE_TABLE' &&
    !isNode(select.from_table.sample) &&
    select.aggregate_handling === 'STANDARD_HANDLING' &&
    [ctes, select.group_expressions, select.group_sets].every(empty) &&
    ![select.having, select.qualify, select.sample].some(isNode)
  )
}

function modifiersOf(select: TreeNode): TreeNode[] {
  const modifiers = [...childrenOf(select.modifiers)]
  const [order, limit] = ['ORDER_MODIFIER', 'LIMIT_MODIFIER'].map((type) => modifiers.find((one) => one.type === type))
  const others = modifiers.filter((one) => one !== order && one !== limit)
  return order === undefined || limit === undefined ? [] : [order, limit, ...others]
}

function count(node: Tree): number | null {
  const value = isNode(node) && node.class === 'CONSTANT' && isNode(node.value) ? node.value.value : null
  return typeof value === 'number' && Number.isInteger(value) ? value : null
}

function isTimestamp(node: Tree, reference: Reference): boolean {
  if (!isColumn(node) || node.column_names.at(-1)!.toLowerCase() !== 'timestamp') return false
  return referenceOf(node.column_names, [[{ alias: reference.alias, reference }]]) === reference
}

/**
 * True where an item of the select list makes more or fewer rows than one (an aggregate, a window, `unnest`), stands
 * for `timestamp` in ORDER BY, or holds a parameter, which the other statement would lack.
 */
function multipliesOrHides(item: TreeNode, reference: Reference): boolean {
  if (String(item.alias).toLowerCase() === 'timestamp' && !isTimestamp(item, reference)) return true
  if (item.class === 'STAR') return [...childrenOf(item.replace_list)].length > 0
  return holdsOneOf(item)
}

function holdsOneOf(node: TreeNode): boolean {
  if (node.class === 'WINDOW' || node.class === 'PARAMETER' || node.class === 'SUBQUERY') return true
  const name = String(node.function_name ?? '').toLowerCase()
  if (name === 'unnest' || AGGREGATE_FUNCTIONS.has(name)) return true
  for (const child of childrenOf(node)) if (holdsOneOf(child)) return true
  return false
}
