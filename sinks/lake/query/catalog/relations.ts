/**
 * PostgreSQL's catalog as DuckDB tables: `pg_catalog.pg_class` is the table `catalog_pg_class`. All relations and columns
 * of PostgreSQL 15 that tools ask for are there (`relations.tsv`, written from a PostgreSQL); those that say something of
 * us have rows, the rest is empty.
 */
import { readFileSync } from 'node:fs'
import { type SqlType, TABLES, type TableColumn } from '#schemas/tables/tables.ts'
import { literal, quoted } from '../view.ts'
import { DATABASE, SETTINGS } from './server.ts'

interface RelationColumn {
  readonly name: string
  /** PostgreSQL's name of the type in pg_type, `[]` behind it for arrays. */
  readonly type: string
  readonly notNull: boolean
}

export interface CatalogRelation {
  readonly schema: 'pg_catalog' | 'information_schema'
  readonly name: string
  readonly columns: readonly RelationColumn[]
}

const OWNER_OID = 10
const DATABASE_OID = 16_384
const NAMESPACES = { pg_catalog: 11, public: 2200, information_schema: 13_000 } as const
/** Objects that are not PostgreSQL's own begin here (FirstNormalObjectId). */
const FIRST_TABLE_OID = 16_400
const FIRST_RELATION_OID = 12_000
const HEAP_OID = 2

type Row = Readonly<Record<string, string | number | boolean | null>>

const read = (file: string): string[][] =>
  readFileSync(new URL(file, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))

export const RELATIONS: readonly CatalogRelation[] = read('./relations.tsv').map(([schema, name, columns]) => ({
  schema: schema as CatalogRelation['schema'],
  name,
  columns: columns.split(',').map((column) => {
    const [columnName, type] = column.split(' ')
    return { name: columnName, type: type.replace('!', ''), notNull: type.endsWith('!') }
  }),
}))

const TYPES: readonly Row[] = read('./types.tsv').map(
  ([oid, typname, formatted, typlen, byval, typtype, typcategory, preferred, typelem, typarray, typcollation]) => ({
    ...{ oid: Number(oid), typname, formatted, typlen: Number(typlen), typtype, typcategory, typdelim: ',' },
    ...{ typbyval: byval === 't', typispreferred: preferred === 't', typisdefined: true, typtypmod: -1 },
    ...{ typelem: Number(typelem), typarray: Number(typarray), typcollation: Number(typcollation) },
    ...{ typnamespace: NAMESPACES.pg_catalog, typowner: OWNER_OID, typalign: 'i', typstorage: 'p' },
    ...{
      typinput: `${typname}in`,
      typoutput: `${typname}out`,
      typreceive: `${typname}recv`,
      typsend: `${typname}send`,
    },
  }),
)

/** The name of a relation's table in DuckDB. */
export function tableName(relation: CatalogRelation): string {
  const prefix = relation.schema === 'information_schema' ? 'information_schema_' : ''
  return `catalog_${prefix}${relation.name}`
}

/** Statements that make the relations and fill them. */
export function* catalogSql(): Generator<string> {
  for (const relation of RELATIONS) {
    const columns = relation.columns.map(({ name, type, notNull }) => {
      const own = duckType(type)
      return `${quoted(name)} ${own}${notNull ? ` DEFAULT ${defaultValue(own)}` : ''}`
    })
    yield `CREATE TABLE ${tableName(relation)} (${columns.join(', ')})`
  }
  yield 'CREATE TABLE catalog_type_names (oid BIGINT, typname VARCHAR, formatted VARCHAR)'
  for (const [table, rows] of Object.entries(rowsOf())) {
    const names = Object.keys(rows[0])
    const values = rows.map((row) => `(${names.map((name) => valueSql(row[name])).join(', ')})`)
    yield `INSERT INTO catalog_${table} (${names.map(quoted).join(', ')}) VALUES ${values.join(', ')}`
  }
}

function rowsOf(): Record<string, readonly Row[]> {
  const relations = [
    ...TABLES.map(({ name, columns }, at) => ({
      ...{ oid: FIRST_TABLE_OID + at, name, schema: 'public' as const, kind: 'r' },
      columns: columns.map(publicColumn),
    })),
    ...RELATIONS.map((relation, at) => ({ ...relation, oid: FIRST_RELATION_OID + at, kind: 'r' })),
  ]
  return {
    pg_namespace: Object.entries(NAMESPACES).map(([nspname, oid]) => ({ oid, nspname, nspowner: OWNER_OID })),
    pg_class: relations.map(({ oid, name, schema, kind, columns }) => ({
      ...{ oid, relname: name, relnamespace: NAMESPACES[schema], relowner: OWNER_OID, relkind: kind, relam: HEAP_OID },
      ...{ relnatts: columns.length, relpersistence: 'p', relreplident: 'd', relispopulated: true, reltuples: -1 },
    })),
    pg_attribute: relations.flatMap(({ oid, columns }) =>
      columns.map(({ name, type, notNull }, at) => {
        const { oid: typeOid, typlen, typcollation } = pgType(type)
        return {
          ...{ attrelid: oid, attname: name, atttypid: typeOid, attlen: typlen, attnum: at + 1, atttypmod: -1 },
          ...{ attnotnull: notNull, attcollation: typcollation, attislocal: true, attcacheoff: -1, attstorage: 'x' },
        }
      }),
    ),
    pg_type: TYPES.map(({ formatted: _, ...row }) => row),
    type_names: TYPES.map(({ oid, typname, formatted }) => ({ oid, typname, formatted })),
    pg_am: [{ oid: HEAP_OID, amname: 'heap', amtype: 't' }],
    pg_database: [
      {
        ...{ oid: DATABASE_OID, datname: DATABASE, datdba: OWNER_OID, encoding: 6, datlocprovider: 'c' },
        ...{ datallowconn: true, datconnlimit: -1, datcollate: 'C.UTF-8', datctype: 'C.UTF-8', dattablespace: 1663 },
      },
    ],
    pg_roles: [{ oid: OWNER_OID, rolname: DATABASE, rolcanlogin: true, rolinherit: true, rolconnlimit: -1 }].map(
      (role) => ({
        ...role,
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
      }),
    ),
    pg_user: [{ usename: DATABASE, usesysid: OWNER_OID, usecreatedb: false, usesuper: false, userepl: false }],
    pg_tablespace: [{ oid: 1663, spcname: 'pg_default', spcowner: OWNER_OID }],
    pg_settings: [...SETTINGS].map(([name, setting]) => ({
      name,
      setting,
      category: '',
      context: 'user',
      vartype: 'string',
    })),
    pg_tables: TABLES.map(({ name }) => ({
      ...{ schemaname: 'public', tablename: name, tableowner: DATABASE },
      ...{ hasindexes: false, hasrules: false, hastriggers: false, rowsecurity: false },
    })),
    information_schema_schemata: Object.keys(NAMESPACES).map((schema_name) => ({
      ...{ catalog_name: DATABASE, schema_name, schema_owner: DATABASE },
    })),
    information_schema_tables: relations.map(({ name, schema }) => ({
      ...{ table_catalog: DATABASE, table_schema: schema, table_name: name },
      ...{ table_type: schema === 'public' ? 'BASE TABLE' : 'VIEW', is_insertable_into: 'NO', is_typed: 'NO' },
    })),
    information_schema_columns: relations.flatMap(({ name, schema, columns }) =>
      columns.map((column, at) => ({
        ...{ table_catalog: DATABASE, table_schema: schema, table_name: name, column_name: column.name },
        ...{ ordinal_position: at + 1, is_nullable: column.notNull ? 'NO' : 'YES', ...informationType(column.type) },
        ...{ udt_catalog: DATABASE, udt_schema: 'pg_catalog', is_identity: 'NO', is_generated: 'NEVER' },
        is_updatable: 'NO',
      })),
    ),
  }
}

const PG_NAMES: Partial<Record<SqlType, string>> = {
  integer: 'int4',
  bigint: 'int8',
  'double precision': 'float8',
  boolean: 'bool',
}

function publicColumn({ name, type, nullable }: TableColumn): RelationColumn {
  const element = type.replace('[]', '') as SqlType
  return { name, type: (PG_NAMES[element] ?? element) + (type.endsWith('[]') ? '[]' : ''), notNull: !nullable }
}

/** The row of pg_type; types that only the catalog itself has (pg_node_tree, aclitem …) are shown as text. */
function pgType(type: string): {
  oid: number
  typname: string
  typlen: number
  typcollation: number
  formatted: string
} {
  const typname = type.endsWith('[]') ? `_${type.slice(0, -2)}` : type
  const found = TYPES.find((row) => row.typname === typname) ?? TYPES.find((row) => row.typname === 'text')
  return found as never
}

function informationType(type: string): Row {
  const { formatted, typname } = pgType(type)
  return { data_type: type.endsWith('[]') ? 'ARRAY' : formatted, udt_name: typname }
}

/** DuckDB's type for a column of the catalog. UINTEGER stands for oid and is sent to clients as one. */
function duckType(type: string): string {
  if (type.endsWith('[]')) return `${duckType(type.slice(0, -2))}[]`
  switch (type) {
    case 'oid':
      return 'UINTEGER'
    case 'bool':
      return 'BOOLEAN'
    case 'int2':
    case 'int4':
    case 'cardinal_number':
      return 'INTEGER'
    case 'int8':
      return 'BIGINT'
    case 'float4':
    case 'float8':
      return 'DOUBLE'
    case 'timestamptz':
    case 'time_stamp':
      return 'TIMESTAMPTZ'
    case 'int2vector':
      return 'INTEGER[]'
    case 'oidvector':
      return 'UINTEGER[]'
    default:
      return 'VARCHAR'
  }
}

function defaultValue(duckDbType: string): string {
  if (duckDbType === 'VARCHAR') return "''"
  if (duckDbType === 'BOOLEAN') return 'false'
  return duckDbType === 'TIMESTAMPTZ' || duckDbType.endsWith('[]') ? 'NULL' : '0'
}

function valueSql(value: Row[string]): string {
  return typeof value === 'string' ? literal(value) : String(value)
}
