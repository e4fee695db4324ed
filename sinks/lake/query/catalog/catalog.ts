/** The DuckDB that holds PostgreSQL's catalog: nothing but what is public, locked like a project's. */
import { readFileSync } from 'node:fs'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { catalogSql, RELATIONS, tableName } from './relations.ts'

const FUNCTIONS_SQL = readFileSync(new URL('./functions.sql', import.meta.url), 'utf8')

/** PostgreSQL's names of the functions that the catalog has as macros `catalog_<name>`. */
export const CATALOG_FUNCTIONS: ReadonlySet<string> = new Set(
  [...FUNCTIONS_SQL.matchAll(/^CREATE MACRO catalog_(\w+)/gm)].map(([, name]) => name),
)

/** Tables of the catalog by the relation's name, `information_schema.` before it where that is its schema. */
export const CATALOG_TABLES: ReadonlyMap<string, string> = new Map(
  RELATIONS.map((relation) => {
    const schema = relation.schema === 'information_schema' ? 'information_schema.' : ''
    return [`${schema}${relation.name}`, tableName(relation)]
  }),
)

export interface Catalog {
  connect(): Promise<DuckDBConnection>
  close(): Promise<void>
}

/** Made at the first statement that asks for it (about 0.1 s). */
export function createCatalog(): Catalog {
  let made: Promise<DuckDBInstance> | undefined
  return {
    async connect() {
      made ??= fill()
      return (await made).connect()
    },
    async close() {
      ;(await made)?.closeSync()
    },
  }
}

async function fill(): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MB' })
  const connection = await instance.connect()
  await connection.run([...catalogSql(), FUNCTIONS_SQL].join(';\n'))
  await connection.run(`
    SET GLOBAL TimeZone = 'UTC';
    SET GLOBAL integer_division = true;
    SET GLOBAL default_null_order = 'nulls_last_on_asc_first_on_desc';
    SET GLOBAL temp_directory = '';
    SET GLOBAL enable_external_access = false;
    SET GLOBAL autoinstall_known_extensions = false;
    SET GLOBAL autoload_known_extensions = false;
    SET GLOBAL lock_configuration = true`)
  connection.closeSync()
  return instance
}
