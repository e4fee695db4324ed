/**
 * Names a statement can mean a column by: its views leave the others out. Binding a view of a hundred columns, some
 * put together of fifty others, costs more than many a statement itself.
 */
import type { Reference } from './references.ts'
import { childrenOf, isColumn, type TreeNode } from './sql_tree.ts'

/** @returns lower-case names; null where any column may be meant (`*`, a whole row, a place instead of a name) */
export function usedNames(statement: TreeNode, references: readonly Reference[]): ReadonlySet<string> | null {
  const wholeRows = new Set(references.map((reference) => reference.alias.toLowerCase()))
  const names = new Set<string>()
  const visit = (node: TreeNode): boolean => {
    if (node.class === 'STAR' || node.class === 'POSITIONAL_REFERENCE' || node.ref_type === 'NATURAL') return false
    // `FROM t AS x(a, b)` names columns by their place.
    if (Array.isArray(node.column_name_alias) && node.column_name_alias.length > 0) return false
    if (isColumn(node)) {
      if (wholeRows.has(node.column_names.at(-1)!.toLowerCase())) return false
      for (const name of node.column_names) names.add(name.toLowerCase())
    }
    if (Array.isArray(node.using_columns)) for (const name of node.using_columns) names.add(String(name).toLowerCase())
    for (const child of childrenOf(node)) if (!visit(child)) return false
    return true
  }
  return visit(statement) ? names : null
}
