/**
 * A parsed statement: the tree DuckDB's `json_serialize_sql` gives and `json_deserialize_sql` takes.
 * Numbers stay as they were written (64-bit and larger ones do not survive `JSON.parse`).
 */
import { userError } from '#schemas/query.ts'

/** A number of the tree, as its digits. */
export interface Lexeme {
  readonly rawJSON: string
}
export type Tree = string | number | boolean | null | Lexeme | Tree[] | TreeNode
/** An expression, a table reference, a query node or one of their parts. */
export type TreeNode = { [member: string]: Tree }

// Node 24 has both (ECMAScript's "JSON.parse source text access"); TypeScript's library does not know them yet.
const json = JSON as unknown as {
  rawJSON(text: string): Lexeme
  isRawJSON(value: unknown): boolean
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}

/** Parses without loss. @throws QueryError where a literal of the statement is beyond what a double holds (`1e400`) */
export function parseTree(text: string): TreeNode {
  try {
    return json.parse(text, (_, value, context) =>
      typeof value === 'number' && context.source !== String(value) ? json.rawJSON(context.source!) : value,
    ) as TreeNode
  } catch {
    // DuckDB writes an infinite constant as a bare word, which no JSON reader takes.
    throw userError('22003', 'a number in the statement is out of range')
  }
}

export function printTree(tree: Tree): string {
  return JSON.stringify(tree)
}

export function isNode(tree: Tree | undefined): tree is TreeNode {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree) && !json.isRawJSON(tree)
}

/** The nodes directly below: members and elements of lists, lists within lists included. */
export function* childrenOf(tree: Tree): Generator<TreeNode> {
  if (Array.isArray(tree)) {
    for (const item of tree) {
      if (isNode(item)) yield item
      else if (Array.isArray(item)) yield* childrenOf(item)
    }
  } else if (isNode(tree)) {
    for (const member of Object.values(tree)) {
      if (isNode(member)) yield member
      else if (Array.isArray(member)) yield* childrenOf(member)
    }
  }
}

/** A copy with every node replaced by what `change` makes of it, the innermost first. */
export function mapTree(tree: Tree, change: (node: TreeNode) => TreeNode): Tree {
  if (Array.isArray(tree)) return tree.map((item) => mapTree(item, change))
  if (!isNode(tree)) return tree
  const copy: TreeNode = {}
  for (const [member, value] of Object.entries(tree)) copy[member] = mapTree(value, change)
  return change(copy)
}

/** Place of the node in the statement, characters from 1; undefined where DuckDB did not note it. */
export function positionOf(node: TreeNode): number | undefined {
  return typeof node.query_location === 'number' ? node.query_location + 1 : undefined
}

export function isColumn(node: Tree | undefined): node is TreeNode & { column_names: string[] } {
  return isNode(node) && node.class === 'COLUMN_REF'
}

export function isCall(node: Tree | undefined, ...names: readonly string[]): node is TreeNode & { children: Tree[] } {
  return isNode(node) && node.class === 'FUNCTION' && names.includes(String(node.function_name).toLowerCase())
}

/** The text of a string constant, a cast around it included (`'5 minutes'::interval`); undefined for anything else. */
export function textConstant(node: Tree | undefined): string | undefined {
  if (!isNode(node)) return undefined
  if (node.class === 'CAST') return textConstant(node.child)
  if (node.class !== 'CONSTANT' || !isNode(node.value)) return undefined
  return typeof node.value.value === 'string' ? node.value.value : undefined
}

// What the rules build. `json_deserialize_sql` fills in members that are left out.

export function text(value: string): TreeNode {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    value: { type: { id: 'VARCHAR' }, is_null: false, value },
  }
}

/** @param value an integer that fits 64 bits */
export function integer(value: bigint): TreeNode {
  const number = json.rawJSON(String(value))
  return { class: 'CONSTANT', type: 'VALUE_CONSTANT', value: { type: { id: 'BIGINT' }, is_null: false, value: number } }
}

export function column(...names: string[]): TreeNode {
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', column_names: names }
}

export function call(name: string, ...children: Tree[]): TreeNode {
  return { class: 'FUNCTION', type: 'FUNCTION', function_name: name, children, order_bys: { type: 'ORDER_MODIFIER' } }
}

export function operator(name: string, ...children: Tree[]): TreeNode {
  return { ...call(name, ...children), is_operator: true }
}

export function cast(child: Tree, type: string): TreeNode {
  return { class: 'CAST', type: 'OPERATOR_CAST', child, cast_type: typeNamed(type) }
}

export function typeNamed(name: string): TreeNode {
  return { id: 'UNBOUND', type_info: { type: 'UNBOUND_TYPE_INFO', name } }
}

export function coalesce(first: TreeNode, ...rest: TreeNode[]): TreeNode {
  if (rest.length === 0) return first
  return { class: 'OPERATOR', type: 'OPERATOR_COALESCE', children: [first, ...rest] }
}

/** A statement `SELECT <expressions>`. */
export function selectOf(expressions: readonly TreeNode[]): TreeNode {
  const node: TreeNode = {
    type: 'SELECT_NODE',
    modifiers: [],
    cte_map: { map: [] },
    select_list: [...expressions],
    from_table: { type: 'EMPTY' },
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
  }
  return { node, named_param_map: [] }
}
