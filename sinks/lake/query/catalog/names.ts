/**
 * `pg_catalog.` is in everybody's search path, so a name means the same without it; what psql writes around it
 * (`OPERATOR(pg_catalog.~)`, `COLLATE pg_catalog.default`) DuckDB does not take. Blanks stand for what is left out, so
 * that positions in errors stay true.
 */
import { forEachCode } from '../quoted.ts'

const OPERATOR = /\bOPERATOR\s*\(\s*(?:pg_catalog\.)?([-+*/<>=~!@#%^&|`?]+)\s*\)/gi
const COLLATE = /\bCOLLATE\s+pg_catalog\.default\b/gi
const SCHEMA = /\bpg_catalog\s*\.\s*/gi

export function dropCatalogSchema(sql: string): string {
  if (!/pg_catalog/i.test(sql)) return sql
  let result = ''
  let copied = 0
  forEachCode(sql, (start, end) => {
    const code = sql
      .slice(start, end)
      .replace(OPERATOR, (all, operator) => operator.padStart(all.length - 1) + ' ')
      .replace(COLLATE, blanks)
      .replace(SCHEMA, blanks)
    result += sql.slice(copied, start) + code
    copied = end
  })
  return result + sql.slice(copied)
}

function blanks(text: string): string {
  return ' '.repeat(text.length)
}
