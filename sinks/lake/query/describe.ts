/** Types of a statement's parameters and columns, from a statement that is prepared and not run. */
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
import type { StatementDescription } from '#schemas/query.ts'
import { typeName } from './values.ts'

type Types = readonly (string | null)[]

/** What a parameter is tried as where nothing tells its type (`$1 + 1`, `SELECT $1`). */
const GUESSES = ['text', 'double precision', 'interval']

/**
 * @param declared types the client said
 * @param sqlWith the text to prepare with these types of parameters
 * @throws the first error where no guess fits
 */
export async function describePrepared(
  connection: DuckDBConnection,
  declared: Types = [],
  sqlWith: (types: Types) => Promise<string>,
): Promise<StatementDescription> {
  const told = await prepare(connection, declared, await sqlWith(declared))
  if (!told.parameters.includes(null)) return told as StatementDescription
  let problem: unknown
  for (const guess of GUESSES) {
    const types = told.parameters.map((type, at) => declared[at] ?? type ?? guess)
    try {
      return (await prepare(connection, types, await sqlWith(types))) as StatementDescription
    } catch (cause) {
      problem ??= cause
    }
  }
  throw problem
}

/** Columns are of no use while a parameter's type is null: then DuckDB knows neither. */
async function prepare(connection: DuckDBConnection, types: Types, sql: string) {
  const prepared = await connection.prepare(sql)
  try {
    const parameters = Array.from({ length: prepared.parameterCount }, (_, at) => types[at] ?? toldType(prepared, at))
    const columns = parameters.includes(null) ? [] : columnsOf(prepared)
    return { columns, parameters }
  } finally {
    prepared.destroySync()
  }
}

function columnsOf(prepared: DuckDBPreparedStatement) {
  return Array.from({ length: prepared.columnCount }, (_, at) => ({
    name: prepared.columnName(at),
    type: typeName(prepared.columnType(at)),
  }))
}

/** null where the statement does not tell; the binding throws then. */
function toldType(prepared: DuckDBPreparedStatement, at: number): string | null {
  try {
    return typeName(prepared.parameterType(at + 1))
  } catch {
    return null
  }
}
