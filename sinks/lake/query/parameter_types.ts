/** Parameters whose type is known read their text as that type: `$1` becomes `CAST($1 AS bigint)`. */
import { cast, isNode, mapTree, type Tree, type TreeNode, typeNamed } from './sql_tree.ts'

/** DuckDB's name by PostgreSQL's, where they differ. Its `numeric` has three decimals: a double loses less. */
const DUCKDB_NAMES: ReadonlyMap<string, string> = new Map([
  ['double precision', 'double'],
  ['numeric', 'double'],
  ['real', 'double'],
  ['text', 'varchar'],
])
const KNOWN = new Set([
  ...[
    'bigint',
    'integer',
    'smallint',
    'double precision',
    'real',
    'numeric',
    'boolean',
    'text',
    'json',
    'uuid',
    'uinteger',
  ],
  ...['date', 'timestamp', 'timestamptz', 'interval', 'time'],
])

/** @param types by place; null and what is not known here leave a parameter as it is */
export function castParameters(tree: TreeNode, types: readonly (string | null)[] = []): TreeNode {
  if (types.every((type) => type === null)) return tree
  return mapTree(tree, (node) => {
    if (Array.isArray(node.select_list)) return { ...node, select_list: node.select_list.map(named) }
    if (node.class !== 'PARAMETER') return node
    const type = types[Number(node.identifier) - 1] ?? ''
    const element = type.replace(/\[\]$/, '')
    if (!KNOWN.has(element)) return node
    const bare = { ...node, alias: '' }
    if (element === type) return { ...cast(bare, duckDbName(type)), alias: node.alias }
    return { ...castToList(cast(bare, 'json'), duckDbName(element)), alias: node.alias }
  }) as TreeNode
}

/** `SELECT $1` is a column named as PostgreSQL names it, whatever the parameter is cast to. */
function named(item: Tree): Tree {
  const isParameter = isNode(item) && item.class === 'CAST' && isNode(item.child) && item.child.class === 'PARAMETER'
  return isParameter && !item.alias ? { ...item, alias: '?column?' } : item
}

function duckDbName(type: string): string {
  return DUCKDB_NAMES.get(type) ?? type
}

function castToList(child: Tree, element: string): TreeNode {
  const list = { type: 'LIST_TYPE_INFO', alias: '', extension_info: null, child_type: typeNamed(element) }
  return { ...cast(child, element), cast_type: { id: 'LIST', type_info: list } }
}
