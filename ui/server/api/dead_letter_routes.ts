/** `/v1/dead_letters`: what could not be treated, by cause and one by one. */
import { z } from 'zod'
import {
  DEAD_LETTER_STATES,
  type DeadLetterFilter,
  type DeadLetterScope,
  type DeadLetters,
  type Decision,
} from '#schemas/dead_letters.ts'
import { audited } from '../directory/audit.ts'
import { DEFAULT_PROJECT } from '../directory/projects.ts'
import type { Caller } from './caller.ts'
import { page, pageOf, pageQuery, projectQuery, readCursor, text, timestamp } from './fields.ts'
import { notFound } from './problem.ts'
import { defineRoute, type Route } from './route.ts'

const count = z.int().min(0)
const cause = z.string().regex(/^[0-9a-f]{16}$/, 'is a cause as the list shows it')
const when = z.iso.datetime({ offset: true })
const filterFields = {
  cause: cause.optional(),
  topic: text(200).optional().meta({ description: 'The topic read, like telemetry.raw.v1.' }),
  code: text(200).optional(),
  stage: text(200).optional().meta({ description: 'Or sink.' }),
  from: when.optional().meta({ description: 'Received at or after.' }),
  to: when.optional().meta({ description: 'Received before.' }),
}
const listed = {
  ...filterFields,
  state: z.enum(DEAD_LETTER_STATES).default('open'),
}

const groupSchema = z.object({
  cause: z.string().meta({ description: 'Names the group.' }),
  topic: z.string(),
  code: z.string(),
  stage: z.string(),
  detail: z.string().meta({ description: 'Why, with numbers as #.' }),
  example: z.string().meta({ description: 'Why one of them.' }),
  events: count,
  records: count,
  first_seen: timestamp.meta({ description: 'When the first was received.' }),
  last_seen: timestamp,
  services: z.array(z.string()).meta({ description: 'Eight at most.' }),
  versions: z.array(z.string()).meta({ description: 'Of millrace.' }),
})
export type DeadLetterGroupAnswer = z.output<typeof groupSchema>

const cutBytes = z.object({
  size: count,
  base64: z.string(),
  truncated: z.boolean().meta({ description: 'True where only the beginning is given.' }),
})
const lineage = z.object({ log: z.string(), topic: z.string(), partition: z.int(), offset: z.int() })
const rowSchema = z.object({
  id: z.string(),
  topic: z.string(),
  code: z.string(),
  stage: z.string(),
  detail: z.string(),
  version: z.string().nullable().meta({ description: 'Of millrace.' }),
  state: z.enum(DEAD_LETTER_STATES),
  signal: z.enum(['logs', 'traces', 'metrics']),
  received_at: timestamp,
  origin: lineage.extend({ previous: z.int() }).meta({ description: 'Its place in the order of events.' }),
  raw: lineage.extend({ position: z.int() }).meta({ description: 'The raw record it was read from, and where in it.' }),
  event_id: z.string().nullable().meta({ description: 'The id it would have in SQL.' }),
  event: z.record(z.string(), z.unknown()).meta({ description: 'By column, as the stage read it.' }),
  truncated: z.array(z.string()).meta({ description: 'Columns of which only the beginning is given.' }),
  bytes: cutBytes.nullable().meta({ description: 'Of a record that could not be read.' }),
  raw_export: z
    .object({ content_type: z.string(), received_at: timestamp, body: cutBytes })
    .nullable()
    .meta({ description: 'The export it was received in: with raw=true, while the raw topic has it.' }),
})
export type DeadLetterAnswer = z.output<typeof rowSchema>

export function deadLetterRoutes(deadLetters: DeadLetters): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/dead_letters',
      summary: 'Events that could not be treated, by cause, the last seen first.',
      access: 'viewer',
      query: pageQuery.extend(listed),
      answers: { 200: pageOf(groupSchema) },
      async handle({ caller, query: { cursor, limit, ...given } }) {
        const after = readCursor(cursor, z.strictObject({ lastSeen: z.int(), cause }))
        const groups = await deadLetters.groups(scopeOf(caller), filterOf(given), { after, limit: limit + 1 })
        const { items, next } = page(groups, limit, ({ lastSeen, cause }) => ({ lastSeen, cause }))
        return {
          items: items.map((group) => ({
            ...group,
            first_seen: dateOf(group.firstSeen),
            last_seen: dateOf(group.lastSeen),
          })),
          next,
        }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/dead_letters/rows',
      summary: 'Such events one by one with where they came from, the newest first.',
      access: 'viewer',
      query: pageQuery.extend({
        ...listed,
        raw: z.stringbool().default(false).meta({ description: 'With the exports they were received in.' }),
      }),
      answers: { 200: pageOf(rowSchema) },
      async handle({ caller, query: { cursor, limit, raw, ...given } }) {
        const after = readCursor(cursor, z.strictObject({ entry: z.int(), row: z.int().min(0) }))
        const { rows, next } = await deadLetters.rows(scopeOf(caller), filterOf(given), { after, limit, raw })
        return {
          items: rows.map(({ receivedAt, eventId, rawExport, ...row }) => ({
            ...row,
            received_at: dateOf(receivedAt),
            event_id: eventId,
            raw_export: rawExport && {
              content_type: rawExport.contentType,
              received_at: dateOf(rawExport.receivedAt),
              body: rawExport.body,
            },
          })),
          next: next === null ? null : Buffer.from(JSON.stringify(next)).toString('base64url'),
        }
      },
    }),
    decisionRoute(
      deadLetters,
      'requeue',
      'Has them treated again, from the stage on that could not; once, however often asked.',
    ),
    decisionRoute(deadLetters, 'discard', 'Gives them up: they count as dropped.'),
    defineRoute({
      method: 'POST',
      path: '/v1/dead_letters/accept',
      summary:
        'Lets a stage or sink that stopped because it failed at nearly everything go on, putting aside what it fails at.',
      access: 'operator',
      query: projectQuery,
      body: z.strictObject({ stage: text(200).min(1), hours: z.number().positive().max(720).default(24) }),
      answers: { 200: acceptedSchema },
      async change({ caller, body: { stage, hours } }, transaction) {
        const until = Date.now() + hours * 3_600_000
        if (!(await deadLetters.accept(transaction, stage, until))) throw notFound('stage or sink', stage)
        const answer = { stage, until: new Date(until).toISOString() }
        await audited(transaction, caller, {
          action: 'dead_letters.accept',
          subject: stage,
          projectId: null,
          after: answer,
        })
        return answer
      },
    }),
  ]
}

const acceptedSchema = z.object({ stage: z.string(), until: timestamp })

const decidedSchema = z.object({
  events: count,
  records: count,
  refused: z
    .array(z.object({ reason: z.string(), events: count }))
    .meta({ description: 'Left as they were, and why.' }),
})
export type DecidedAnswer = z.output<typeof decidedSchema>

function decisionRoute(deadLetters: DeadLetters, decision: Decision, summary: string): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/dead_letters/${decision}`,
    summary,
    access: 'admin',
    query: projectQuery,
    body: z
      .strictObject({ ...filterFields, all: z.literal(true).optional() })
      .refine(
        ({ all, ...filter }) => (all === true) !== Object.values(filter).some((value) => value !== undefined),
        'says which: a cause, or topic, code, stage, from, to; or all',
      ),
    answers: { 200: decidedSchema },
    async change({ caller, body: { all: _, ...given } }, transaction) {
      const scope = scopeOf(caller)
      const { state, ...filter } = filterOf({ ...given, state: 'open' })
      const decided = await deadLetters.decide(transaction, scope, filter, decision)
      if (decided.events > 0) {
        await audited(transaction, caller, {
          action: `dead_letters.${decision}`,
          subject: given.cause ?? 'dead letters',
          projectId: caller.projectId,
          after: { ...given, events: decided.events },
        })
      }
      return decided
    },
  })
}

/** Records that say no project any more are shown to who administers the instance, in its own project. */
function scopeOf({ projectId, projectName, operator }: Caller): DeadLetterScope {
  return { projectId, unreadable: operator && projectName === DEFAULT_PROJECT }
}

interface GivenFilter extends Omit<DeadLetterFilter, 'from' | 'to'> {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

function filterOf({ cause, topic, code, stage, state, from, to }: GivenFilter): DeadLetterFilter {
  return { cause, topic, code, stage, state, from: microsOf(from), to: microsOf(to) }
}

function microsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) * 1000
}

function dateOf(micros: number): Date {
  return new Date(micros / 1000)
}
