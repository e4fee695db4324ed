/**
 * The second wall: what a parsed statement may name. It is one SELECT over the tables given and its own CTEs, with
 * functions of the list. Everything the parser can produce and this file does not know is refused, so a newer DuckDB
 * widens nothing. (The first wall is the locked instance, `instance.ts`; each is tested without the other.)
 */
import { userError } from '#schemas/query.ts'
import { FUNCTIONS, TABLE_FUNCTIONS } from './functions.ts'
import { childrenOf, isNode, positionOf, type Tree, type TreeNode } from './sql_tree.ts'

const EXPRESSIONS = new Set([
  ...[
    'BETWEEN',
    'CASE',
    'CAST',
    'COLLATE',
    'COLUMN_REF',
    'COMPARISON',
    'CONJUNCTION',
    'CONSTANT',
    'FUNCTION',
    'LAMBDA',
  ],
  ...['LAMBDA_REF', 'OPERATOR', 'PARAMETER', 'POSITIONAL_REFERENCE', 'STAR', 'SUBQUERY', 'WINDOW'],
])
const NODES = new Set([
  ...['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE'],
  ...['BASE_TABLE', 'EMPTY', 'EXPRESSION_LIST', 'JOIN', 'SUBQUERY', 'TABLE_FUNCTION'],
  ...['DISTINCT_MODIFIER', 'LIMIT_MODIFIER', 'LIMIT_PERCENT_MODIFIER', 'ORDER_MODIFIER'],
  ...['ASCENDING', 'DESCENDING', 'ORDER_DEFAULT'],
])
const SCHEMAS = new Set(['', 'main', 'public', 'pg_catalog'])

type Scope = ReadonlySet<string>

/**
 * @param tree the whole serialized statement list
 * @param tables names that may stand in FROM
 * @param functions lower-case names that may be called
 * @returns the one statement
 * @throws QueryError with SQLSTATE 0A000 (not supported), 42P01 (no such table), 42883 (no such function) …
 */
export function checkStatement(
  tree: TreeNode,
  tables: Iterable<string>,
  functions: ReadonlySet<string> = FUNCTIONS,
): TreeNode {
  const statements = Array.isArray(tree.statements) ? tree.statements : []
  if (statements.length === 0) throw userError('42601', 'the statement is empty')
  if (statements.length > 1) throw userError('0A000', 'one statement at a time')
  const [statement] = statements
  if (!isNode(statement) || !isNode(statement.node)) throw userError('0A000', 'only SELECT is supported')
  new Wall(new Set(tables), functions).query(statement.node, new Set())
  return statement
}

class Wall {
  readonly #tables: ReadonlySet<string>
  readonly #functions: ReadonlySet<string>
  constructor(tables: ReadonlySet<string>, functions: ReadonlySet<string>) {
    this.#tables = tables
    this.#functions = functions
  }

  /** A query node: its CTEs see those before them, its body sees all. */
  query(node: TreeNode, outer: Scope): void {
    const scope = new Set(outer)
    const ctes = isNode(node.cte_map) && Array.isArray(node.cte_map.map) ? node.cte_map.map : []
    for (const cte of ctes) {
      if (!isNode(cte) || !isNode(cte.value)) throw unknown(node)
      const name = this.#cteName(cte.key)
      this.#below(cte.value, scope)
      scope.add(name)
    }
    if (node.type === 'RECURSIVE_CTE_NODE') scope.add(this.#cteName(node.cte_name))
    this.#below(node, scope)
  }

  /** A name like a file's would be looked up as a file where the CTE is not in sight. */
  #cteName(name: Tree | undefined): string {
    if (typeof name !== 'string' || !/^[\p{L}_][\p{L}\p{N}_$]*$/u.test(name)) {
      throw userError('42602', `${JSON.stringify(name)} cannot name a WITH query: letters, digits and _ only`)
    }
    const lower = name.toLowerCase()
    if (this.#tables.has(lower)) throw userError('42712', `${name} is a table; give the WITH query another name`)
    return lower
  }

  #below(node: TreeNode, scope: Scope): void {
    for (const [member, value] of Object.entries(node)) {
      if (member === 'cte_map') continue
      for (const child of childrenOf([value])) this.#visit(child, scope)
    }
  }

  #visit(node: TreeNode, scope: Scope): void {
    if (node.class !== undefined) {
      this.#expression(node, scope)
      return
    }
    if (typeof node.type === 'string' && !NODES.has(node.type) && !node.type.endsWith('_TYPE_INFO')) throw unknown(node)
    if (node.cte_map !== undefined || node.type === 'RECURSIVE_CTE_NODE') {
      this.query(node, scope)
      return
    }
    if (node.type === 'BASE_TABLE') this.#table(node, scope)
    if (node.type === 'TABLE_FUNCTION') {
      if (!isNode(node.function)) throw unknown(node)
      this.#function(node.function, TABLE_FUNCTIONS)
      for (const child of childrenOf(node.function)) this.#visit(child, scope)
      return
    }
    this.#below(node, scope)
  }

  #expression(node: TreeNode, scope: Scope): void {
    if (typeof node.class !== 'string' || !EXPRESSIONS.has(node.class)) throw unknown(node)
    if (node.class === 'CONSTANT') return
    if (node.function_name !== undefined) this.#function(node, this.#functions)
    this.#below(node, scope)
  }

  #function(node: TreeNode, allowed: ReadonlySet<string>): void {
    const name = String(node.function_name).toLowerCase()
    const home = SCHEMAS.has(String(node.schema ?? '').toLowerCase()) && (node.catalog ?? '') === ''
    if (home && allowed.has(name)) return
    throw userError('42883', `there is no function ${name} here`, positionOf(node))
  }

  #table(node: TreeNode, scope: Scope): void {
    const name = String(node.table_name).toLowerCase()
    const schema = String(node.schema_name ?? '').toLowerCase()
    if ((node.catalog_name ?? '') !== '' || (node.at_clause ?? null) !== null) throw unknown(node)
    if (schema === '' && scope.has(name)) return
    if (SCHEMAS.has(schema) && schema !== 'pg_catalog' && this.#tables.has(name)) return
    const known = [...this.#tables].join(', ')
    throw userError(
      '42P01',
      `there is no table ${JSON.stringify(node.table_name)}; there are: ${known}`,
      positionOf(node),
    )
  }
}

function unknown(node: TreeNode): Error {
  const what = String(node.class ?? node.type ?? 'this')
    .toLowerCase()
    .replaceAll('_', ' ')
  return userError('0A000', `${what} is not supported in a query`, positionOf(node))
}
