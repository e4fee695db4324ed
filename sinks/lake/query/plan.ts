/** A statement made ready: checked, rewritten to PostgreSQL's meaning, its tables replaced by views to be made. */
import { TABLES } from '#schemas/tables/tables.ts'
import { rewriteAttributes } from './attributes.ts'
import type { EngineRequest } from './engine.ts'
import { newestThreshold } from './newest.ts'
import type { SqlParser } from './parser.ts'
import { type Bound, boundsOf, boundValue, withParameters } from './prune.ts'
import { bindReferences, type Reference } from './references.ts'
import { applyRules, nameColumns, resolveProjectName } from './rules.ts'
import { isNode, mapTree, selectOf, type TreeNode } from './sql_tree.ts'
import { usedNames } from './used_columns.ts'
import { checkStatement } from './wall.ts'

export interface PlannedReference {
  readonly reference: Reference
  readonly bounds: readonly Bound[]
  /** A SELECT of one row that gives the value of each bound as text; null where there is none. */
  readonly boundsSql: string | null
}

export interface StatementPlan {
  /** What DuckDB runs, once the references' views are there. */
  readonly sql: string
  readonly references: readonly PlannedReference[]
  /** Gives the time of the oldest row the statement can return of what the view holds; null where there is no such short cut. */
  readonly thresholdSql: string | null
  /** Columns the views must have; null for all. */
  readonly columns: ReadonlySet<string> | null
  readonly parameterCount: number
}

type Request = Pick<EngineRequest, 'projectId' | 'projectName' | 'params'>

/** @param tree as parsed @throws QueryError where the statement is not one we run */
export async function planStatement(parser: SqlParser, tree: TreeNode, request: Request): Promise<StatementPlan> {
  const statement = checkStatement(
    tree,
    TABLES.map((table) => table.name),
  )
  const named = resolveProjectName(statement, request.projectName, request.projectId)
  const references = bindReferences(named.node as TreeNode)
  references.forEachSelect((select) => nameColumns(select))
  const bounds = new Map<Reference, readonly Bound[]>()
  references.forEachSelect((_, [relations]) => {
    for (const { reference } of relations) {
      if (reference !== null) bounds.set(reference, boundsOf(reference, relations))
    }
  })
  rewriteAttributes(references)
  const final = applyRules(named)
  const threshold = newestThreshold(named, references.list)
  const thresholdSql = threshold === null ? null : await parser.print({ ...tree, statements: [applyRules(threshold)] })
  const sql = await parser.print({ ...tree, statements: [final] })
  // What runs is the text, so the text is what is checked: a fault in printing must not open a door.
  for (const text of [sql, ...(thresholdSql === null ? [] : [thresholdSql])]) {
    checkStatement(
      await parser.parse(text),
      references.list.map((reference) => reference.view),
    )
  }
  const planned: PlannedReference[] = []
  for (const reference of references.list) {
    const own = bounds.get(reference) ?? []
    planned.push({
      reference,
      bounds: own,
      boundsSql: own.length === 0 ? null : await printBounds(parser, own, request),
    })
  }
  return {
    sql,
    thresholdSql,
    references: planned,
    columns: usedNames(final, references.list),
    parameterCount: countParameters(named),
  }
}

function printBounds(parser: SqlParser, bounds: readonly Bound[], request: Request): Promise<string> {
  const values = bounds.map((bound) => applyRules(withParameters(boundValue(bound), request.params)))
  return parser.print({ error: false, statements: [selectOf(values)] })
}

/** The highest `$n`. */
export function countParameters(statement: TreeNode): number {
  let count = 0
  mapTree(statement, (node) => {
    if (node.class === 'PARAMETER') count = Math.max(count, Number(node.identifier))
    return node
  })
  return isNode(statement) ? count : 0
}
