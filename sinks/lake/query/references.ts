/**
 * Where a statement reads our tables. Each place gets a view of its own (`ref_0`, `ref_1` …), so that each opens only
 * the files its own WHERE can match and carries the stored JSON only where something is taken out of it.
 */
import { TABLES, type Table } from '#schemas/tables/tables.ts'
import { childrenOf, isNode, type Tree, type TreeNode } from './sql_tree.ts'

/** One place in FROM that names one of our tables. */
export interface Reference {
  readonly view: string
  readonly table: Table
  /** What the statement calls it. */
  readonly alias: string
  /** WHERE of the SELECT it stands in; terms joined by AND may narrow what is read. */
  readonly where: TreeNode | null
  /** True once something needs `stored$attributes` or `stored$resource`. */
  needsStored: boolean
}

/** What the names of a SELECT's FROM stand for: one of our tables, or something else (a CTE, a subquery). */
export interface Relation {
  readonly alias: string
  readonly reference: Reference | null
}

/** The relations of the SELECT an expression stands in, and of those around it, the innermost first. */
export type Scopes = readonly (readonly Relation[])[]

export interface References {
  readonly list: readonly Reference[]
  /** Calls `visit` for each SELECT with the names its expressions can use. */
  forEachSelect(visit: (select: TreeNode, scopes: Scopes) => void): void
}

/** Finds the references and points each, in place, at its view. The statement has passed the wall. */
export function bindReferences(statement: TreeNode): References {
  const list: Reference[] = []
  const selects: { select: TreeNode; scopes: Scopes }[] = []

  const visit = (node: TreeNode, scopes: Scopes, ctes: ReadonlySet<string>): void => {
    let names = ctes
    if (isNode(node.cte_map) && Array.isArray(node.cte_map.map)) {
      for (const cte of node.cte_map.map as TreeNode[]) {
        visit(cte.value as TreeNode, scopes, names)
        names = new Set([...names, String(cte.key).toLowerCase()])
      }
    }
    if (node.type === 'RECURSIVE_CTE_NODE') names = new Set([...names, String(node.cte_name).toLowerCase()])
    let inner = scopes
    if (node.type === 'SELECT_NODE') {
      const where = isNode(node.where_clause) ? node.where_clause : null
      const relations = relationsOf(node.from_table, (table) => bind(table, where, names))
      inner = [relations, ...scopes]
      selects.push({ select: node, scopes: inner })
    }
    for (const [member, value] of Object.entries(node)) {
      if (member === 'cte_map') continue
      for (const child of childrenOf([value])) visit(child, inner, names)
    }
  }

  const bind = (table: TreeNode, where: TreeNode | null, ctes: ReadonlySet<string>): Reference | null => {
    const name = String(table.table_name).toLowerCase()
    if (table.schema_name === '' && ctes.has(name)) return null
    const found = TABLES.find((candidate) => candidate.name === name)
    if (found === undefined) return null
    const alias = String(table.alias || table.table_name)
    const reference: Reference = { view: `ref_${list.length}`, table: found, alias, where, needsStored: false }
    Object.assign(table, { table_name: reference.view, schema_name: '', alias })
    list.push(reference)
    return reference
  }

  visit(statement, [], new Set())
  return {
    list,
    forEachSelect(see) {
      for (const { select, scopes } of selects) see(select, scopes)
    },
  }
}

function relationsOf(from: Tree, bind: (table: TreeNode) => Reference | null): Relation[] {
  if (!isNode(from)) return []
  if (from.type === 'JOIN') return [...relationsOf(from.left, bind), ...relationsOf(from.right, bind)]
  if (from.type === 'EMPTY') return []
  const alias = String(from.alias || from.table_name || '')
  return [{ alias, reference: from.type === 'BASE_TABLE' ? bind(from) : null }]
}

/**
 * What a column name refers to, as far as that is certain: the reference, or null where it may be something else.
 * @param names the parts of the name, `o.timestamp` → `['o', 'timestamp']`
 */
export function referenceOf(names: readonly string[], scopes: Scopes): Reference | null {
  const [qualifier, unqualified] = names.length === 1 ? [undefined, names[0]] : [names[0], names[1]]
  if (names.length > 2 || unqualified === undefined) return null
  for (const relations of scopes) {
    if (qualifier === undefined) {
      if (relations.length === 0) continue
      return relations.length === 1 ? relations[0].reference : null
    }
    const found = relations.filter((relation) => relation.alias.toLowerCase() === qualifier.toLowerCase())
    if (found.length > 0) return found.length === 1 ? found[0].reference : null
  }
  return null
}
