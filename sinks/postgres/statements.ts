/** The SQL of a projection, made from its definition. */
import type { Merge, Projection } from './projection.ts'

export function tableName(projection: string, generation: number): string {
  return `${projection}_g${generation}`
}

/** Room is left in every page: the same rows are changed over and over (PostgreSQL, "Heap-Only Tuples"). */
export function createTable({ name, columns, key }: Projection, generation: number): string {
  const lines = columns.map(({ name, type, merge }) => `${name} ${type}${merge === null ? ' not null' : ''}`)
  return `create table ${tableName(name, generation)} (${lines.join(', ')}, primary key (${key.join(', ')})) with (fillfactor = 80)`
}

export interface Upsert {
  /** Makes the staging table, of the connection, where it is not there; it is empty after every transaction. */
  readonly prepare: string
  readonly copy: string
  /** From the staging table into the projection's. */
  readonly merge: string
}

export function upsertOf({ name, columns, key }: Projection, generation: number): Upsert {
  const table = tableName(name, generation)
  const staging = `staging_${table}`
  const names = columns.map((column) => column.name).join(', ')
  // Two writers that change the same rows do so in the same order: neither waits for what the other will ask for.
  const order = key.map((column) => {
    const isText = columns.find(({ name }) => name === column)!.type === 'text'
    return isText ? `${column} collate "C"` : column
  })
  const changes = columns.flatMap(({ name, merge }) => (merge === null ? [] : [`${name} = ${merged(name, merge)}`]))
  const conflict = changes.length === 0 ? 'do nothing' : `do update set ${changes.join(', ')}`
  return {
    prepare: `create temporary table if not exists ${staging} (like ${table}) on commit delete rows`,
    copy: `copy ${staging} (${names}) from stdin`,
    merge: `insert into ${table} as stored (${names}) select ${names} from ${staging} order by ${order.join(', ')} on conflict (${key.join(', ')}) ${conflict}`,
  }
}

/** As `fold.ts` does it. */
function merged(name: string, merge: Merge): string {
  const [stored, added] = [`stored.${name}`, `excluded.${name}`]
  if (typeof merge === 'object') {
    const [storedBy, addedBy] = [`stored.${merge.last}`, `excluded.${merge.last}`]
    const isLater = `${addedBy} is not null and (${storedBy} is null or ${addedBy} >= ${storedBy})`
    return `case when ${isLater} then ${added} else ${stored} end`
  }
  switch (merge) {
    case 'sum':
      return `coalesce(${stored} + ${added}, ${stored}, ${added})`
    case 'max':
      return `greatest(${stored}, ${added})`
    case 'min':
      return `least(${stored}, ${added})`
    case 'first':
      return `coalesce(${stored}, ${added})`
    case 'last':
      return `coalesce(${added}, ${stored})`
  }
}
