/** What the events of a record of dead letters died of. Pure. */
import { hash } from 'node:crypto'
import {
  type Batch,
  DEAD_LETTER_BYTES,
  DEAD_LETTER_CODE,
  DEAD_LETTER_DETAIL,
  DEAD_LETTER_STAGE,
  DEAD_LETTER_VERSION,
} from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'

/** Rows of one record that died of the same. */
export interface CauseRows {
  readonly cause: string
  readonly code: string
  readonly stage: string
  /** With its numbers masked. */
  readonly detail: string
  /** That of the first. */
  readonly example: string
  readonly rows: readonly number[]
  readonly services: readonly string[]
}

const MAX_DETAIL = 200
/** Told apart in one record; what is beyond goes together. */
const MAX_CAUSES = 32
const MAX_SERVICES = 8
const OTHER = '(other details)'
/** What the name of a service is called before and after `flatten_attributes`. */
const SERVICE_COLUMNS = ['resource___service___name', 'resource.service.name']

/** @param topic the one read */
export function causesOf(topic: string, batch: Batch): readonly CauseRows[] {
  const found = new Map<string, CauseRows & { rows: number[]; services: string[] }>()
  for (let row = 0; row < batch.eventCount; row++) {
    const code = storable(textAt(batch, DEAD_LETTER_CODE, row) ?? 'unknown')
    const stage = storable(textAt(batch, DEAD_LETTER_STAGE, row) ?? '')
    const example = storable(textAt(batch, DEAD_LETTER_DETAIL, row) ?? '')
    let detail = maskNumbers(example)
    let cause = causeOf(topic, code, stage, detail)
    if (!found.has(cause) && found.size >= MAX_CAUSES) {
      detail = OTHER
      cause = causeOf(topic, code, stage, detail)
    }
    let entry = found.get(cause)
    if (entry === undefined) found.set(cause, (entry = { cause, code, stage, detail, example, rows: [], services: [] }))
    entry.rows.push(row)
    const service = SERVICE_COLUMNS.map((name) => textAt(batch, name, row)).find((name) => name !== null)
    if (service !== undefined && service !== null && entry.services.length < MAX_SERVICES) {
      const name = storable(service)
      if (!entry.services.includes(name)) entry.services.push(name)
    }
  }
  return [...found.values()]
}

/**
 * Says of two copies of a record that they are one: they have the same origin, by the same stage. One that could not be
 * read is put aside by everybody who reads its topic.
 */
export function identityOf(batch: Batch): string {
  const { topic, partition, offset } = batch.origin
  const reader =
    batch.eventCount === 0 || batch.columns.has(DEAD_LETTER_BYTES) ? '' : (textAt(batch, DEAD_LETTER_STAGE, 0) ?? '')
  return storable(`${topic}/${partition}/${offset} ${reader}`)
}

export function versionOf(batch: Batch): string | null {
  const version = batch.eventCount === 0 ? null : textAt(batch, DEAD_LETTER_VERSION, 0)
  return version === null ? null : storable(version)
}

/** `column 12: 0x7f of 30000` → `column #: # of #`. Cut to what is shown of it. */
export function maskNumbers(detail: string): string {
  return detail
    .slice(0, MAX_DETAIL * 4)
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b0x[0-9a-f]+\b|\b\d+([.,_]\d+)*(e[+-]?\d+)?/gi, '#')
    .slice(0, MAX_DETAIL)
    .toWellFormed()
}

function causeOf(...parts: readonly string[]): string {
  return hash('sha256', parts.join('\n'), 'hex').slice(0, 16)
}

/** PostgreSQL's text has no NUL and no half of a surrogate pair. */
function storable(text: string): string {
  return text
    .slice(0, MAX_DETAIL * 4)
    .toWellFormed()
    .replaceAll('\0', '\ufffd')
}

function textAt(batch: Batch, name: string, row: number): string | null {
  const column = batch.columns.get(name)
  const value: Value = column === undefined ? null : valueAt(column, row)
  return typeof value === 'string' ? value : null
}
