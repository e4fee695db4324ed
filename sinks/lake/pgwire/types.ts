/** PostgreSQL's types by the names the query port uses. */

export interface PgType {
  readonly oid: number
  /** Bytes of a binary value, -1 where that varies. */
  readonly size: number
  /** OID of the array of it. */
  readonly array: number
}

/** By the names the query port uses; OIDs of PostgreSQL's `pg_type.dat`. */
const TYPES: ReadonlyMap<string, PgType> = new Map([
  ['boolean', { oid: 16, size: 1, array: 1000 }],
  ['blob', { oid: 17, size: -1, array: 1001 }],
  ['bigint', { oid: 20, size: 8, array: 1016 }],
  ['smallint', { oid: 21, size: 2, array: 1005 }],
  ['integer', { oid: 23, size: 4, array: 1007 }],
  ['text', { oid: 25, size: -1, array: 1009 }],
  // The catalog's oid.
  ['uinteger', { oid: 26, size: 4, array: 1028 }],
  ['json', { oid: 114, size: -1, array: 199 }],
  ['real', { oid: 700, size: 4, array: 1021 }],
  ['double precision', { oid: 701, size: 8, array: 1022 }],
  ['date', { oid: 1082, size: 4, array: 1182 }],
  ['time', { oid: 1083, size: 8, array: 1183 }],
  ['timestamp', { oid: 1114, size: 8, array: 1115 }],
  ['timestamptz', { oid: 1184, size: 8, array: 1185 }],
  ['interval', { oid: 1186, size: 16, array: 1187 }],
  ['numeric', { oid: 1700, size: -1, array: 1231 }],
  ['uuid', { oid: 2950, size: 16, array: 2951 }],
])
/** Others that clients declare parameters with. */
const ALIASES: ReadonlyMap<number, string> = new Map([
  [18, 'text'],
  [19, 'text'],
  [1042, 'text'],
  [1043, 'text'],
  [3802, 'json'],
])
/** DuckDB's small integers without a type of their own in PostgreSQL. */
const WIDENED: ReadonlyMap<string, string> = new Map([
  ['tinyint', 'smallint'],
  ['utinyint', 'smallint'],
  ['usmallint', 'integer'],
  ['ubigint', 'numeric'],
  ['uhugeint', 'numeric'],
])

const TEXT = TYPES.get('text')!
const BY_OID: ReadonlyMap<number, string> = new Map([
  ...[...TYPES].flatMap(([name, { oid, array }]): [number, string][] => [
    [oid, name],
    [array, `${name}[]`],
  ]),
  ...ALIASES,
  ...[1014, 1015, 1003].map((oid): [number, string] => [oid, 'text[]']),
])

/** What the query port calls the type with this OID; undefined where we have none. */
export function typeNamed(oid: number): string | undefined {
  return BY_OID.get(oid)
}

/** What nobody else knows (structs, maps …) is sent as text. */
export function pgType(name: string): Pick<PgType, 'oid' | 'size'> {
  const element = elementOf(name)
  if (element === name) return elementType(name)
  // A list of lists is an array of its innermost elements.
  return { oid: elementType(element).array, size: -1 }
}

function elementType(name: string): PgType {
  return TYPES.get(widened(name)) ?? TEXT
}

/** The type a small integer of DuckDB's is sent as. */
export function widened(name: string): string {
  return WIDENED.get(name) ?? name
}

/** `text[][]` → `text`. */
export function elementOf(name: string): string {
  return name.replace(/(\[\])+$/, '')
}
