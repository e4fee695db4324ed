/**
 * Statements about the catalog: which they are, and what they become. They pass the same wall as all others, with the
 * catalog's relations and functions in place of the tables, and run where no data is.
 */
import { type QueryRequest, userError } from '#schemas/query.ts'
import { TABLES } from '#schemas/tables/tables.ts'
import { FUNCTIONS } from '../functions.ts'
import { applyRules, nameColumns } from '../rules.ts'
import {
  call,
  cast,
  childrenOf,
  isColumn,
  isNode,
  mapTree,
  positionOf,
  type Tree,
  type TreeNode,
  text,
  textConstant,
} from '../sql_tree.ts'
import { checkStatement } from '../wall.ts'
import { CATALOG_FUNCTIONS, CATALOG_TABLES } from './catalog.ts'
import { DATABASE } from './server.ts'

/** Words that stand for a value without parentheses. */
const USER_WORDS = new Set(['current_user', 'session_user', 'current_role', 'user'])
const DATA_TABLES = new Set<string>(TABLES.map((table) => table.name))
const TABLE_NAMES = [...CATALOG_TABLES.values()]
const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set([
  ...FUNCTIONS,
  ...[...CATALOG_FUNCTIONS].map((name) => `catalog_${name}`),
])

/**
 * True where a statement is one for the catalog: it names its relations, functions or words, and none of our tables.
 * @throws QueryError where it names both, relations of the catalog and tables
 */
export function isCatalogStatement(tree: TreeNode): boolean {
  let data = false
  let relation: TreeNode | undefined
  let other = false
  const visit = (node: TreeNode): void => {
    if (node.type === 'BASE_TABLE') {
      if (catalogTable(node) !== undefined) relation ??= node
      else if (DATA_TABLES.has(String(node.table_name).toLowerCase())) data = true
    }
    other ||= isCatalogCall(node) || sessionWord(node, '') !== undefined || CASTS.has(castName(node))
    for (const child of childrenOf(node)) visit(child)
  }
  visit(tree)
  if (data && relation !== undefined) {
    const message = 'a statement reads tables or the catalog, not both'
    throw userError('0A000', message, positionOf(relation))
  }
  return !data && (relation !== undefined || other)
}

/** The statement as the catalog's DuckDB takes it. @throws QueryError */
export function catalogStatement(tree: TreeNode, request: Pick<QueryRequest, 'projectName'>): TreeNode {
  const named = mapTree(tree, (node) => {
    if (node.type === 'SELECT_NODE') nameColumns(node)
    return node
  })
  const bound = mapTree(named, (node) => bindNode(node, request.projectName)) as TreeNode
  return { ...tree, statements: [applyRules(checkStatement(bound, TABLE_NAMES, ALLOWED_FUNCTIONS))] }
}

function bindNode(node: TreeNode, user: string): TreeNode {
  const table = node.type === 'BASE_TABLE' ? catalogTable(node) : undefined
  if (table !== undefined) {
    return { ...node, schema_name: '', table_name: table, alias: node.alias || String(node.table_name) }
  }
  // As in PostgreSQL, the alias of a function in FROM names its column, too.
  if (node.type === 'TABLE_FUNCTION' && node.alias && (node.column_name_alias as Tree[]).length === 0) {
    return { ...node, column_name_alias: [node.alias] }
  }
  if (isCatalogCall(node)) {
    return { ...node, schema: '', function_name: `catalog_${String(node.function_name).toLowerCase()}` }
  }
  const word = sessionWord(node, user)
  if (word !== undefined) return { ...word, alias: node.alias || (node.column_names as string[])[0] }
  const become = CASTS.get(castName(node))
  if (become !== undefined) return { ...become(node.child as TreeNode), alias: node.alias }
  const literal = node.class === 'CONSTANT' ? textConstant(node) : undefined
  // An array as PostgreSQL writes it; DuckDB reads `[1,2]`.
  if (literal !== undefined && /^\{[\w,]*\}$/.test(literal))
    return { ...text(`[${literal.slice(1, -1)}]`), alias: node.alias }
  return node
}

function catalogTable(node: TreeNode): string | undefined {
  const schema = String(node.schema_name ?? '').toLowerCase()
  const name = String(node.table_name).toLowerCase()
  if (schema === 'information_schema') return CATALOG_TABLES.get(`information_schema.${name}`)
  return schema === '' || schema === 'pg_catalog' ? CATALOG_TABLES.get(name) : undefined
}

function isCatalogCall(node: TreeNode): boolean {
  return node.class === 'FUNCTION' && CATALOG_FUNCTIONS.has(String(node.function_name).toLowerCase())
}

function sessionWord(node: TreeNode, user: string): TreeNode | undefined {
  if (!isColumn(node) || node.column_names.length !== 1) return undefined
  const name = node.column_names[0].toLowerCase()
  if (USER_WORDS.has(name)) return text(user)
  if (name === 'current_catalog') return text(DATABASE)
  return name === 'current_schema' ? text('public') : undefined
}

const isText = (node: TreeNode) => textConstant(node) !== undefined || node.class === 'PARAMETER'

/** Types that only the catalog knows. A name written as text becomes its oid; an oid is shown as its name. */
const CASTS: ReadonlyMap<string, (child: TreeNode) => TreeNode> = new Map(
  Object.entries({
    regclass: (child: TreeNode) => call(isText(child) ? 'catalog_to_regclass' : 'catalog_regclass', child),
    regtype: (child: TreeNode) =>
      isText(child)
        ? call('catalog_to_regtype', child)
        : call('catalog_format_type', child, cast(text('0'), 'integer')),
    regnamespace: (child: TreeNode) => call(isText(child) ? 'catalog_to_regnamespace' : 'catalog_regnamespace', child),
    regproc: (child: TreeNode) => cast(child, 'varchar'),
    regprocedure: (child: TreeNode) => cast(child, 'varchar'),
    regrole: () => text(DATABASE),
    name: (child: TreeNode) => cast(child, 'varchar'),
    xid: (child: TreeNode) => cast(child, 'varchar'),
    sql_identifier: (child: TreeNode) => cast(child, 'varchar'),
    character_data: (child: TreeNode) => cast(child, 'varchar'),
    cardinal_number: (child: TreeNode) => cast(child, 'integer'),
  }),
)

function castName(node: TreeNode): string {
  if (node.class !== 'CAST' || !isNode(node.cast_type) || !isNode(node.cast_type.type_info)) return ''
  return String(node.cast_type.type_info.name ?? '').toLowerCase()
}
