/**
 * Gives logs and spans the columns `errors` (their exceptions) and `hashes`: `err:` and a fingerprint for each exception,
 * `pat:` and the hash of the pattern of the body, or of the name where there is none. Hashes depend on the event alone, so
 * they are made once, before anything is stored; which of them belong together is learned later and kept elsewhere.
 */
import { type Batch, withColumns } from '#pipeline/batch/batch.ts'
import { DictionaryBuilder } from '#pipeline/batch/builder.ts'
import { type Column, type DictionaryColumn, isDictionary, isPresent, valueAt } from '#pipeline/batch/column.ts'
import { type Exception, exceptionsOfEvents, fingerprintOf } from './exceptions.ts'
import { PatternHashes } from './pattern_hashes.ts'

/** Where the exceptions of an event are. */
interface ExceptionColumns {
  readonly type: Column | undefined
  readonly message: Column | undefined
  readonly stack: Column | undefined
  readonly events: Column | undefined
}

export function fingerprint(batch: Batch): Batch {
  if (batch.eventCount === 0 || batch.signal === 'metrics') return batch
  const errors = new DictionaryBuilder('json')
  const hashes = new DictionaryBuilder('json')
  const bodies = patternHashes(batch.columns.get('body'), hashes)
  const names = patternHashes(batch.columns.get('name'), hashes)
  const columns = exceptionColumns(batch)
  for (let row = 0; row < batch.eventCount; row++) {
    const patterns = bodies?.has(row) ? bodies : names?.has(row) ? names : null
    const exceptions = columns === null ? [] : exceptionsAt(columns, row)
    if (exceptions.length === 0) {
      if (patterns !== null) hashes.setEntry(row, patterns.entry(row))
      continue
    }
    const found = exceptions.map((exception) => ({ ...exception, fingerprint: fingerprintOf(exception) }))
    const all = new Set(found.map((each) => `err:${each.fingerprint}`))
    if (patterns !== null) all.add(patterns.text(row))
    errors.setText(row, JSON.stringify(found))
    hashes.setText(row, JSON.stringify([...all]))
  }
  const changes: [string, Column][] = []
  if (errors.rows > 0) changes.push(['errors', errors.finish(batch.eventCount)])
  if (hashes.rows > 0) changes.push(['hashes', hashes.finish(batch.eventCount)])
  return withColumns(batch, changes)
}

function patternHashes(column: Column | undefined, hashes: DictionaryBuilder): PatternHashes | null {
  return column !== undefined && isDictionary(column) ? new PatternHashes(column, hashes) : null
}

/** `null` where no event of the batch can have an exception. */
function exceptionColumns(batch: Batch): ExceptionColumns | null {
  const attribute = (key: string): Column | undefined => {
    const column =
      batch.columns.get(`attributes___exception___${key}`) ?? batch.columns.get(`attributes.exception.${key}`)
    return column?.type === 'text' ? column : undefined
  }
  const events = batch.columns.get('events')
  const columns = {
    type: attribute('type'),
    message: attribute('message'),
    stack: attribute('stacktrace'),
    events: events?.type === 'json' && mentionsException(events) ? events : undefined,
  }
  return Object.values(columns).some((column) => column !== undefined) ? columns : null
}

const EXCEPTION_EVENT = '"event_name":"exception"'

function mentionsException(events: DictionaryColumn): boolean {
  const { data } = events
  return Buffer.from(data.buffer, data.byteOffset, data.length).includes(EXCEPTION_EVENT)
}

function exceptionsAt({ type, message, stack, events }: ExceptionColumns, row: number): Exception[] {
  const exceptions: Exception[] = []
  const own = { type: textAt(type, row), message: textAt(message, row), stack: textAt(stack, row) }
  if (own.type !== undefined || own.message !== undefined || own.stack !== undefined) exceptions.push(own)
  const list = textAt(events, row)
  if (list?.includes(EXCEPTION_EVENT)) exceptions.push(...exceptionsOfEvents(list))
  return exceptions
}

function textAt(column: Column | undefined, row: number): string | undefined {
  return column !== undefined && isPresent(column, row) ? (valueAt(column, row) as string) : undefined
}
