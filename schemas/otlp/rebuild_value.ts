/** What the values of a stored row say in OTLP/JSON. */
import type { Value } from '#pipeline/batch/column.ts'
import type { AnyValue, EntityRef, KeyValue } from './otlp.ts'
import { type PlainJson, parsePlainJson } from './plain_json.ts'

/** A row by stored column name, `json` as text; columns that are null may be left out. */
export type StoredRow = Readonly<Record<string, Value | undefined>>

/** What `otlp_exact` holds, see `EXACT.md`. */
export interface Exact {
  readonly attributes?: KeyValue[]
  readonly resource?: KeyValue[]
  readonly scope?: KeyValue[]
  readonly entityRefs?: EntityRef[]
  readonly [member: string]: unknown
}

/** The members of a plain JSON object as attributes. */
export function keyValues(json: Value | undefined): KeyValue[] | undefined {
  const text = textOf(json)
  return text === undefined ? undefined : entriesOf(parsePlainJson(text) as { [key: string]: PlainJson })
}

export function entriesOf(object: { readonly [key: string]: PlainJson }): KeyValue[] {
  return Object.entries(object).map(([key, value]) => ({ key, value: anyValueOf(value) }))
}

/** Plain JSON as the AnyValue it was made of. */
export function anyValueOf(value: PlainJson): AnyValue {
  if (value === null) return {}
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: String(value) }
  if (typeof value === 'number') return { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValueOf) } }
  return { kvlistValue: { values: entriesOf(value as { readonly [key: string]: PlainJson }) } }
}

export function textOf(value: Value | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function numberOf(value: Value | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

/**
 * Nanoseconds since 1970 as OTLP/JSON has them; `undefined` where there is no time.
 * @param micros a timestamp, @param nanos the 0–999 ns it leaves out
 */
export function nanosOf(micros: Value | undefined, nanos: Value | undefined): string | undefined {
  if (typeof micros !== 'bigint') return undefined
  return String(micros * 1000n + (typeof nanos === 'bigint' ? nanos : 0n))
}

/** The object without what is not given. */
export function given<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
