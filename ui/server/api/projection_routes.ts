/** `/v1/services`, `/v1/usage`, `/v1/ledger`: what is derived from a project's telemetry. */
import { z } from 'zod'
import type { Account, ProjectionReader } from '#schemas/projections.ts'
import { audited } from '../directory/audit.ts'
import { setServiceNotes } from '../directory/service_notes.ts'
import { page, pageOf, pageQuery, projectQuery, readCursor, text, timestamp } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const count = z.int().min(0)
const counts = z.record(z.string(), count)
const serviceSchema = z.object({
  namespace: z.string().meta({ description: 'Empty for none.' }),
  name: z.string(),
  version: z.string().nullable(),
  sdk_name: z.string().nullable(),
  sdk_language: z.string().nullable(),
  sdk_version: z.string().nullable(),
  first_seen: timestamp,
  last_seen: timestamp,
  logs: count,
  spans: count,
  metrics: count,
  errors: count.meta({ description: 'Logs and spans whose level is ERROR or FATAL.' }),
  events_per_second: z.number().meta({ description: 'Over the last whole hour and what there is of this one.' }),
  errors_per_second: z.number(),
  owner: z.string().nullable(),
  description: z.string().nullable(),
})
export type ServiceAnswer = z.output<typeof serviceSchema>

const usageSchema = z.object({
  hour: timestamp.meta({ description: 'Its beginning.' }),
  signal: z.string().meta({ description: 'logs, traces or metrics.' }),
  events: count.meta({ description: 'Stored.' }),
  bytes: count.meta({ description: 'Received, uncompressed.' }),
})
export type UsageAnswer = z.output<typeof usageSchema>

const ledgerSchema = z.object({
  received: count.meta({ description: 'stored + in_flight + dropped + dead_lettered + unaccounted.' }),
  stored: count,
  in_flight: count,
  dropped: count,
  dropped_by_reason: counts,
  dead_lettered: count,
  dead_lettered_by_code: counts,
  unaccounted: z.int().meta({ description: '0: nothing is lost.' }),
  complete: z.boolean().meta({ description: 'False where more is in flight than was counted.' }),
})
export type LedgerAnswer = z.output<typeof ledgerSchema>

const nameOfService = z.strictObject({ namespace: text(256).default(''), name: text(256).min(1) })
const notes = z.strictObject({ owner: text(200).nullable(), description: text(2000).nullable() })

/** What reads the projections is handed in: the API knows no sink. */
export function projectionRoutes(projections: ProjectionReader): Route[] {
  const account = shared((projectId) => projections.account(projectId))
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/services',
      summary: 'Services seen, the last seen first; at most a thousand.',
      access: 'viewer',
      query: pageQuery,
      answers: { 200: pageOf(serviceSchema) },
      async handle({ caller, query: { cursor, limit } }) {
        const after = readCursor(cursor, nameOfService.extend({ seen: z.int() }))
        const all = await projections.services(caller.projectId)
        const rest = startOf(
          all,
          after &&
            ((row) => row.namespace === after.namespace && row.name === after.name && row.lastSeen === after.seen),
          // It was seen again since, and stands before now: go on where it stood.
          after && ((row) => row.lastSeen <= after.seen),
        )
        const { items, next } = page(rest, limit, ({ namespace, name, lastSeen: seen }) => ({ namespace, name, seen }))
        return {
          items: items.map((row) => ({
            ...row,
            sdk_name: row.sdkName,
            sdk_language: row.sdkLanguage,
            sdk_version: row.sdkVersion,
            first_seen: dateOf(row.firstSeen),
            last_seen: dateOf(row.lastSeen),
            events_per_second: row.eventsPerSecond,
            errors_per_second: row.errorsPerSecond,
          })),
          next,
        }
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/v1/services/notes',
      summary: 'Says who owns a service and what it is for.',
      access: 'editor',
      query: projectQuery,
      body: nameOfService.extend(notes.shape),
      answers: { 200: nameOfService.extend(notes.shape) },
      async change({ caller, body: { namespace, name, owner, description } }, transaction) {
        const { projectId } = caller
        const of = { namespace, name }
        const change = await setServiceNotes(transaction, projectId, of, { owner, description })
        const subject = namespace === '' ? name : `${namespace}/${name}`
        await audited(transaction, caller, { action: 'service.note', subject, projectId, ...change })
        return { ...of, ...change.after }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/usage',
      summary: 'What is received, by hour (UTC) and signal, the newest first; at most a thousand.',
      access: 'viewer',
      query: pageQuery,
      answers: { 200: pageOf(usageSchema) },
      async handle({ caller, query: { cursor, limit } }) {
        const after = readCursor(cursor, z.strictObject({ hour: z.int(), signal: text(64) }))
        const all = await projections.usage(caller.projectId)
        const rest = startOf(
          all,
          after && ((row) => row.hour === after.hour && row.signal === after.signal),
          after && ((row) => row.hour <= after.hour),
        )
        const { items, next } = page(rest, limit, ({ hour, signal }) => ({ hour, signal }))
        return { items: items.map((row) => ({ ...row, hour: dateOf(row.hour) })), next }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/ledger',
      summary: 'What became of every event received.',
      access: 'viewer',
      query: projectQuery,
      answers: { 200: ledgerSchema },
      async handle({ caller }) {
        const { ledger, inFlight, complete } = await account(caller.projectId)
        return {
          // The sink's ledger ends where it stands; what is in flight was received, too.
          received: ledger.received + inFlight,
          stored: ledger.stored,
          in_flight: inFlight,
          dropped: ledger.dropped,
          dropped_by_reason: ledger.droppedByReason,
          dead_lettered: ledger.deadLettered,
          dead_lettered_by_code: ledger.deadLetteredByCode,
          unaccounted: ledger.unaccounted,
          complete,
        }
      },
    }),
  ]
}

/** What comes after a row: after it itself where it still stands there, else from the first that `follows`. */
function startOf<Row>(
  rows: readonly Row[],
  isLast: ((row: Row) => boolean) | undefined,
  follows: ((row: Row) => boolean) | undefined,
): readonly Row[] {
  if (isLast === undefined || follows === undefined) return rows
  const last = rows.findIndex(isLast)
  if (last >= 0) return rows.slice(last + 1)
  const next = rows.findIndex(follows)
  return next < 0 ? [] : rows.slice(next)
}

/** Who asks while it is being counted for somebody else gets the same answer: it reads the log, and pages ask often. */
function shared(read: (projectId: string) => Promise<Account>): (projectId: string) => Promise<Account> {
  const underWay = new Map<string, Promise<Account>>()
  return (projectId) => {
    const reading = underWay.get(projectId) ?? read(projectId).finally(() => underWay.delete(projectId))
    underWay.set(projectId, reading)
    return reading
  }
}

/** @param micros since 1970 */
function dateOf(micros: number): Date {
  return new Date(micros / 1000)
}
