/** OTLP exports as received into one batch of events by column: values as in `schemas/tables/README.md`. */
import {
  type Batch,
  countOutcome,
  DEAD_LETTER_CODE,
  DEAD_LETTER_DETAIL,
  POSITION,
  type Signal,
} from '#pipeline/batch/batch.ts'
import { type Column, columnOf, selectRows } from '#pipeline/batch/column.ts'
import { CONTRACT } from '#schemas/event_batch.ts'
import { transcodeJson } from '#schemas/otlp/json.ts'
import { ExportReader, type ReadEvents } from '#schemas/otlp/wire_export.ts'
import type { Export, RawBatch } from '#schemas/raw_record.ts'
import type { ExportWindow } from './export_window.ts'

/**
 * The events of a raw record, in the order received, less those the receiver refused (`dropped:refused`), those of an
 * export seen before (`dropped:duplicate_export`) and malformed ones (dead letters `malformed`). An event's position
 * counts them all.
 */
export function normalizeRecord(raw: RawBatch, window: ExportWindow): Batch {
  if (raw.only !== undefined) return normalizeAgain(raw, new Set(raw.only))
  const reader = new ExportReader(raw.signal)
  let refused = 0
  let duplicate = 0
  let receivedBytes = 0
  for (const part of raw.exports) {
    if (window.add(part.key, raw.receivedAt)) {
      duplicate += part.eventCount
      reader.skip(part.eventCount)
      continue
    }
    refused += part.refused.length
    receivedBytes += part.body.length
    readExport(reader, part, raw.signal)
  }
  const events = reader.finish()
  const batch = withDeadLetters({ ...emptyBatch(raw), receivedBytes, ...chosen(events) }, events)
  return countOutcome(countOutcome(batch, 'dropped:refused', refused), 'dropped:duplicate_export', duplicate)
}

/**
 * Events of a record that was here before, of which all others have gone their way: their exports are known for that, and
 * what they weighed has been counted.
 */
function normalizeAgain(raw: RawBatch, positions: ReadonlySet<number>): Batch {
  const reader = new ExportReader(raw.signal)
  let first = 0
  for (const part of raw.exports) {
    const end = first + part.eventCount
    let isMeant = false
    for (let position = first; position < end && !isMeant; position++) isMeant = positions.has(position)
    if (isMeant) readExport(reader, part, raw.signal)
    else reader.skip(part.eventCount)
    first = end
  }
  const read = reader.finish()
  const bad = new Set(read.badRows)
  const isUnwanted = (position: number, row: number) => bad.has(row) || !positions.has(position)
  const events: ReadEvents = {
    ...read,
    badRows: read.positions.flatMap((position, row) => (isUnwanted(position, row) ? [row] : [])),
    malformed: read.malformed.filter(({ position }) => positions.has(position)),
  }
  return withDeadLetters({ ...emptyBatch(raw), ...chosen(events) }, events)
}

function readExport(reader: ExportReader, part: Export, signal: Signal): void {
  reader.read(part, () => (part.contentType === 'application/json' ? transcodeJson(part.body, signal) : part.body))
}

function emptyBatch(raw: RawBatch): Batch {
  return {
    contract: CONTRACT,
    projectId: raw.projectId,
    signal: raw.signal,
    receivedAt: raw.receivedAt,
    eventCount: 0,
    receivedBytes: 0,
    origin: raw.origin,
    raw: raw.raw,
    outcomes: new Map(),
    columns: new Map(),
  }
}

/** The good rows, with a column of positions where these are not simply 0, 1, 2 … */
function chosen(events: ReadEvents): { eventCount: number; columns: Map<string, Column> } {
  const columns = new Map(events.columns)
  let positions = events.positions
  if (events.badRows.length > 0) {
    const bad = new Set(events.badRows)
    const rows = positions.map((_, row) => row).filter((row) => !bad.has(row))
    positions = rows.map((row) => events.positions[row])
    for (const [name, column] of columns) {
      if (rows.length > 0) columns.set(name, selectRows(column, rows))
      else columns.delete(name)
    }
  }
  const last = positions.length - 1
  if (last >= 0 && positions[last] !== last) columns.set(POSITION, columnOf('long', positions.map(BigInt)))
  return { eventCount: positions.length, columns }
}

function withDeadLetters(batch: Batch, { malformed }: ReadEvents): Batch {
  if (malformed.length === 0) return batch
  const columns = new Map<string, Column>([
    [
      POSITION,
      columnOf(
        'long',
        malformed.map(({ position }) => BigInt(position)),
      ),
    ],
    [
      DEAD_LETTER_CODE,
      columnOf(
        'text',
        malformed.map(() => 'malformed'),
      ),
    ],
    [
      DEAD_LETTER_DETAIL,
      columnOf(
        'text',
        malformed.map(({ detail }) => detail),
      ),
    ],
  ])
  const deadLetters = { ...batch, eventCount: malformed.length, columns }
  return { ...countOutcome(batch, 'dead_letter:malformed', malformed.length), deadLetters }
}
