/**
 * `attributes->>'http.route'` and `attributes->'http'->>'route'` both find a value, however it was sent: the promoted
 * column first, then the dotted key, then the nested path. On our own tables the value is taken from what is stored,
 * so that the `attributes` object, which the view has to put together, is never built for it.
 */
import { attributePaths } from '#schemas/tables/attribute_paths.ts'
import type { Table } from '#schemas/tables/tables.ts'
import { JSON_ARROW, TEXT_ARROW } from './arrows.ts'
import { type References, referenceOf, type Scopes } from './references.ts'
import {
  call,
  cast,
  childrenOf,
  coalesce,
  column,
  isCall,
  isColumn,
  isNode,
  type Tree,
  type TreeNode,
  text,
} from './sql_tree.ts'

const SCOPES = ['attributes', 'resource'] as const
type AttributeScope = (typeof SCOPES)[number]

/** Columns of a view beside those of its table: the JSON as stored, promoted attributes left out. */
export const STORED_COLUMN: Readonly<Record<AttributeScope, string>> = {
  attributes: 'stored$attributes',
  resource: 'stored$resource',
}

/** `root -> 'a' -> 'b'`: the column, the keys, and whether the last arrow gives text. */
interface Access {
  readonly root: readonly string[]
  readonly scope: AttributeScope
  readonly keys: readonly (string | bigint)[]
  readonly asText: boolean
}

/** Rewrites every access to attributes, in place. */
export function rewriteAttributes(references: References): void {
  references.forEachSelect((select, scopes) => {
    for (const [member, value] of Object.entries(select)) {
      if (member !== 'cte_map' && member !== 'from_table') select[member] = replaceAccesses(value, scopes)
    }
    // Conditions of joins; their tables are references, subqueries are SELECTs of their own.
    replaceInJoins(select.from_table, scopes)
  })
  references.forEachSelect((select, [relations]) => {
    if (relations.some((relation) => relation.reference?.needsStored)) hideStoredColumns(select)
  })
}

function replaceInJoins(from: Tree, scopes: Scopes): void {
  if (!isNode(from) || from.type !== 'JOIN') return
  if (isNode(from.condition)) from.condition = replaceAccesses(from.condition, scopes)
  replaceInJoins(from.left, scopes)
  replaceInJoins(from.right, scopes)
}

function replaceAccesses(tree: Tree, scopes: Scopes): Tree {
  if (Array.isArray(tree)) return tree.map((item) => replaceAccesses(item, scopes))
  if (!isNode(tree)) return tree
  // A subquery's SELECTs are visited with scopes of their own.
  if (tree.type === 'SELECT_NODE' || tree.type === 'SET_OPERATION_NODE' || tree.cte_map !== undefined) return tree
  const access = accessOf(tree)
  if (access !== undefined) return extraction(access, scopes, String(tree.alias ?? ''))
  for (const [member, value] of Object.entries(tree)) tree[member] = replaceAccesses(value, scopes)
  return tree
}

function accessOf(node: TreeNode): Access | undefined {
  const keys: (string | bigint)[] = []
  let at: Tree = node
  while (isCall(at, JSON_ARROW, TEXT_ARROW)) {
    if (at !== node && at.function_name !== JSON_ARROW) return undefined
    const key = keyOf(at.children[1])
    if (key === undefined) return undefined
    keys.unshift(key)
    at = at.children[0]
  }
  if (keys.length === 0 || !isColumn(at)) return undefined
  const scope = SCOPES.find((name) => name === at.column_names.at(-1)?.toLowerCase())
  if (scope === undefined || typeof keys[0] !== 'string') return undefined
  return { root: at.column_names, scope, keys, asText: node.function_name === TEXT_ARROW }
}

function keyOf(node: Tree): string | bigint | undefined {
  if (!isNode(node) || node.class !== 'CONSTANT' || !isNode(node.value) || node.value.is_null === true) return undefined
  const { value } = node.value
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined
}

function extraction(access: Access, scopes: Scopes, alias: string): TreeNode {
  const extract = (from: TreeNode, path: string) =>
    call(access.asText ? 'json_extract_string' : 'json_extract', from, text(path))
  const paths = attributePaths(access.keys).map(pointer)
  const reference = referenceOf(access.root, scopes)
  if (reference === null) {
    const found = paths.map((path) => extract(column(...access.root), path))
    return { ...coalesce(found[0], ...found.slice(1)), alias }
  }
  reference.needsStored = true
  const stored = paths.map((path) => extract(column(reference.alias, STORED_COLUMN[access.scope]), path))
  const promoted = promotedColumn(reference.table, access)
  if (promoted === undefined) return { ...coalesce(stored[0], ...stored.slice(1)), alias }
  const value = column(reference.alias, promoted)
  return { ...coalesce(access.asText ? cast(value, 'varchar') : call('to_json', value), ...stored), alias }
}

function promotedColumn(table: Table, access: Access): string | undefined {
  return table.promoted[access.scope].get(access.keys.join('.'))?.name
}

/** A JSON pointer (RFC 6901). */
function pointer(path: readonly string[]): string {
  return path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** `*` gives the contract's columns, also where the view carries more. */
function hideStoredColumns(select: TreeNode): void {
  for (const item of childrenOf(select.select_list)) {
    if (item.class !== 'STAR') continue
    item.exclude_list = [...((item.exclude_list as Tree[]) ?? []), ...Object.values(STORED_COLUMN)]
  }
}
