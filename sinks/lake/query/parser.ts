/**
 * SQL text to tree and back, by a DuckDB of its own that has no data, no files and no extensions: parsing never runs
 * in the instance that could read something.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type QueryError, userError } from '#schemas/query.ts'
import { replaceArrows } from './arrows.ts'
import { dropCatalogSchema } from './catalog/names.ts'
import { parseTree, printTree, type TreeNode } from './sql_tree.ts'

export const MAX_STATEMENT_CHARACTERS = 1 << 20

export interface SqlParser {
  /**
   * The statement list. Positions in the tree are characters from 0. @throws QueryError where it is no SELECT
   */
  parse(sql: string): Promise<TreeNode>
  /** The text of a tree made by {@link parse}, perhaps rewritten. */
  print(tree: TreeNode): Promise<string>
  close(): void
}

export async function createSqlParser(): Promise<SqlParser> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '128MB' })
  const connection = await instance.connect()
  await connection.run(`
    SET enable_external_access = false;
    SET autoinstall_known_extensions = false;
    SET autoload_known_extensions = false;
    SET lock_configuration = true`)
  return {
    async parse(sql) {
      if (sql.length > MAX_STATEMENT_CHARACTERS) {
        throw userError('54000', `a statement has at most ${MAX_STATEMENT_CHARACTERS} characters`)
      }
      if (sql.includes('\0')) throw userError('22021', 'a statement cannot hold a NUL character')
      const tree = parseTree(
        await scalar(connection, 'SELECT json_serialize_sql($1::VARCHAR)', replaceArrows(dropCatalogSchema(sql))),
      )
      if (tree.error === true) throw parseError(tree, sql)
      return tree
    },
    print(tree) {
      return scalar(connection, 'SELECT json_deserialize_sql(CAST($1 AS JSON))', printTree(tree))
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

async function scalar(connection: DuckDBConnection, sql: string, value: string): Promise<string> {
  const reader = await connection.runAndReadAll(sql, [value])
  return String(reader.getRows()[0][0])
}

function parseError(tree: TreeNode, sql: string): QueryError {
  const message = String(tree.error_message)
  if (tree.error_type === 'not implemented') return userError('0A000', 'only SELECT is supported')
  const at = tree.position === undefined ? undefined : characterAt(sql, Number(tree.position))
  return userError('42601', message, at)
}

/** DuckDB counts bytes from 0, people count characters from 1. */
export function characterAt(sql: string, byte: number): number {
  return Buffer.from(sql).subarray(0, byte).toString().length + 1
}
