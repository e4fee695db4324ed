/**
 * The filter as the box shows it: conditions joined by AND, each a chip. The language itself is `schemas/filter`, loaded
 * when the first filter is written.
 */
import { type TableColumn, table } from 'virtual:otel_logs_and_spans'

export interface FilterProblem {
  readonly message: string
  /** Place in the text, characters from 0, and the length of the token there. */
  readonly at: number
  readonly length: number
}

export type CompiledFilter = { readonly where: string | null } | { readonly problem: FilterProblem }

/** The WHERE of a filter; `null` where every event passes. */
export async function compileFilter(text: string): Promise<CompiledFilter> {
  if (text.trim() === '') return { where: null }
  const [{ parseFilter }, { toWhere }, { FilterError }] = await Promise.all([
    import('#schemas/filter/parser.ts'),
    import('#schemas/filter/where.ts'),
    import('#schemas/filter/filter.ts'),
  ])
  try {
    const filter = parseFilter(text, table)
    return { where: filter === null ? null : toWhere(filter) }
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const at = Math.min(error.position - 1, Math.max(0, text.length - 1))
    const length = /^('[^']*'?|"[^"]*"?|[\w.]+|\S)/.exec(text.slice(at))?.[0].length ?? 1
    return { problem: { message: error.message.replace(/, at \d+$/, ''), at, length } }
  }
}

export const columns: readonly TableColumn[] = table.stored

/** The column of an attribute key that has one, where it can hold the value. */
export function promotedColumn(scope: 'attributes' | 'resource', key: string, value: unknown): string | undefined {
  const column = table.promoted[scope].get(key)
  return column !== undefined && (column.type === 'text') === (typeof value === 'string') ? column.name : undefined
}
