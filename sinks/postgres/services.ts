/** Services seen, with what they last said of themselves; and by hour how much they send. */
import type { Batch } from '#pipeline/batch/batch.ts'
import { type DictionaryColumn, entryText, isDictionary } from '#pipeline/batch/column.ts'
import { hourOf } from './hour.ts'
import { defineProjection, type TableOf } from './projection.ts'

/** What OpenTelemetry has a service without `service.name` be called ("Resource semantic conventions"). */
const UNKNOWN_SERVICE = 'unknown_service'

export const services = defineProjection({
  name: 'services',
  columns: {
    project_id: 'text',
    /** Empty where there is none. */
    service_namespace: 'text',
    service_name: 'text',
    service_version: 'text',
    sdk_name: 'text',
    sdk_language: 'text',
    sdk_version: 'text',
    /** By the receiver's clock. */
    first_seen: 'timestamptz',
    last_seen: 'timestamptz',
    logs: 'bigint',
    spans: 'bigint',
    metrics: 'bigint',
    /** Logs and spans whose level is ERROR or FATAL. */
    errors: 'bigint',
  },
  key: ['project_id', 'service_namespace', 'service_name'],
  merge: {
    service_version: { last: 'last_seen' },
    sdk_name: { last: 'last_seen' },
    sdk_language: { last: 'last_seen' },
    sdk_version: { last: 'last_seen' },
    first_seen: 'min',
    last_seen: 'max',
    logs: 'sum',
    spans: 'sum',
    metrics: 'sum',
    errors: 'sum',
  },
  *rows(batch) {
    for (const { resource, events, errors } of eventsByResource(batch, RESOURCE)) {
      const [namespace, name, version, sdkName, sdkLanguage, sdkVersion] = resource
      yield {
        project_id: batch.projectId,
        service_namespace: namespace ?? '',
        service_name: name ?? UNKNOWN_SERVICE,
        service_version: version,
        sdk_name: sdkName,
        sdk_language: sdkLanguage,
        sdk_version: sdkVersion,
        first_seen: batch.receivedAt,
        last_seen: batch.receivedAt,
        logs: batch.signal === 'logs' ? events : 0,
        spans: batch.signal === 'traces' ? events : 0,
        metrics: batch.signal === 'metrics' ? events : 0,
        errors,
      }
    }
  },
  views: { services: withNotesAndRates },
})

export const serviceHours = defineProjection({
  name: 'service_hours',
  columns: {
    project_id: 'text',
    service_namespace: 'text',
    service_name: 'text',
    hour: 'timestamptz',
    events: 'bigint',
    errors: 'bigint',
  },
  key: ['project_id', 'service_namespace', 'service_name', 'hour'],
  merge: { events: 'sum', errors: 'sum' },
  *rows(batch) {
    for (const { resource, events, errors } of eventsByResource(batch, SERVICE)) {
      const [namespace, name] = resource
      yield {
        project_id: batch.projectId,
        service_namespace: namespace ?? '',
        service_name: name ?? UNKNOWN_SERVICE,
        hour: hourOf(batch.receivedAt),
        events,
        errors,
      }
    }
  },
})

/** Rates are of the last whole hour and what there is of this one. */
function withNotesAndRates(table: TableOf): string {
  const since = `date_bin('1 hour', now(), timestamptz 'epoch') - interval '1 hour'`
  const rate = (of: string) => `coalesce(recent.${of} / extract(epoch from now() - (${since})), 0)::double precision`
  return `
    select seen.*, ${rate('events')} as events_per_second, ${rate('errors')} as errors_per_second,
      notes.owner, notes.description
    from ${table('services')} as seen
    left join service_notes as notes using (project_id, service_namespace, service_name)
    left join lateral (
      select sum(hours.events) as events, sum(hours.errors) as errors from ${table('service_hours')} as hours
      where (hours.project_id, hours.service_namespace, hours.service_name)
        = (seen.project_id, seen.service_namespace, seen.service_name) and hours.hour >= ${since}
    ) as recent on true`
}

const SERVICE = ['service.namespace', 'service.name']
const RESOURCE = [
  ...SERVICE,
  'service.version',
  'telemetry.sdk.name',
  'telemetry.sdk.language',
  'telemetry.sdk.version',
]

interface ResourceEvents {
  /** Values of the keys asked for. */
  readonly resource: readonly (string | null)[]
  events: number
  errors: number
}

/** The events of a batch counted by what their resources say under some keys, in the order in which they first come. */
function eventsByResource(batch: Batch, keys: readonly string[]): Iterable<ResourceEvents> {
  const columns = keys.map((key) => resourceColumn(batch, key))
  const isError = errorsOf(batch)
  const found = new Map<string, ResourceEvents>()
  let last: ResourceEvents | undefined
  for (let row = 0; row < batch.eventCount; row++) {
    // Events of one resource come together.
    if (last === undefined || !columns.every((column) => isSame(column, row))) {
      const indexes = columns.map((column) => column?.indexes[row] ?? 0).join()
      last = found.get(indexes)
      if (last === undefined) {
        last = { resource: columns.map((column) => textAt(column, row)), events: 0, errors: 0 }
        found.set(indexes, last)
      }
    }
    last.events++
    if (isError(row)) last.errors++
  }
  return found.values()
}

/** Promoted to a column of the table or not: which are depends on the signal. */
function resourceColumn({ columns }: Batch, key: string): DictionaryColumn | undefined {
  const promoted = columns.get(`resource___${key.replaceAll('.', '___')}`)
  const column = promoted ?? columns.get(`resource.${key}`)
  return column !== undefined && isDictionary(column) ? column : undefined
}

function isSame(column: DictionaryColumn | undefined, row: number): boolean {
  return column === undefined || column.indexes[row] === column.indexes[row - 1]
}

function textAt(column: DictionaryColumn | undefined, row: number): string | null {
  const index = column?.indexes[row] ?? 0
  return index === 0 ? null : entryText(column!, index - 1)
}

function errorsOf({ columns }: Batch): (row: number) => boolean {
  const level = columns.get('level')
  if (level === undefined || !isDictionary(level)) return () => false
  const isErrorEntry = [false]
  for (let entry = 0; entry < level.offsets.length - 1; entry++) {
    isErrorEntry.push(/^(ERROR|FATAL)$/.test(entryText(level, entry)))
  }
  return (row) => isErrorEntry[level.indexes[row]]
}
