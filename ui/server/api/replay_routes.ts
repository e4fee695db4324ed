/** `/v1/replays`: generations of what is stored, and the replays that fill them; for admins of the instance. */
import { z } from 'zod'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import type { BeginWith, Generation, Replays } from '#schemas/replays.ts'
import { audited } from '../directory/audit.ts'
import type { Caller } from './caller.ts'
import { timestamp } from './fields.ts'
import { ApiError } from './problem.ts'
import { defineRoute, type Route } from './route.ts'

const count = z.int().min(0)
const progressSchema = z.object({
  records: count,
  records_total: count,
  events: count.meta({ description: 'Since the process that replays began.' }),
  dead_letters: count,
  events_per_second: z.number(),
  seconds_left: z.number().nullable(),
  doing: z.string(),
})
const comparisonSchema = z.object({
  compared_at: timestamp,
  days: z.array(
    z.object({
      project_id: z.string(),
      table: z.string(),
      day: z.string().meta({ description: 'Empty for a projection.' }),
      live_rows: count,
      rows: count,
      is_equal: z.boolean().meta({ description: 'Every value of every row.' }),
    }),
  ),
  differences: z.array(
    z.object({
      project_id: z.string(),
      table: z.string(),
      day: z.string(),
      id: z.string(),
      kind: z.enum(['missing', 'added', 'changed']),
      columns: z.array(z.object({ name: z.string(), live: z.string().nullable(), next: z.string().nullable() })),
    }),
  ),
})
const STATES = ['running', 'caught_up', 'flipping', 'discarding', 'live', 'retired', 'discarded', 'failed'] as const
const beginSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('beginning') }),
  z.strictObject({ kind: z.literal('offset'), offset: z.int().min(0) }),
  z.strictObject({ kind: z.literal('time'), time: z.iso.datetime({ offset: true }) }),
])
const generationSchema = z.object({
  generation: z.int(),
  state: z.enum(STATES),
  reason: z.string().nullable(),
  lake: z
    .int()
    .meta({ description: 'The number of its lake: its own, or that of an earlier one that it goes on with.' }),
  projections: z.int(),
  begin: beginSchema.nullable(),
  stages: z.string().nullable().meta({ description: 'Of the stages and settings it is made with.' }),
  size_bytes: count.nullable(),
  progress: progressSchema.nullable(),
  comparison: comparisonSchema.nullable(),
  created_at: timestamp,
  live_at: timestamp.nullable(),
  retired_at: timestamp.nullable(),
})
const number = z.object({ generation: z.coerce.number().int().min(1) })
const missingSchema = z.object({ missing: z.array(z.string()) })

export function replayRoutes(replays: Replays, database: Database): Route[] {
  const noted = (caller: Caller, action: string, generation: number, after: object | null = null) =>
    database.transaction((transaction) =>
      audited(transaction, caller, { action, subject: String(generation), projectId: null, after }),
    )
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/replays',
      summary: 'Generations of what is stored, the newest first.',
      access: 'operator',
      answers: { 200: z.object({ items: z.array(generationSchema) }) },
      handle: async () => ({ items: (await replays.list()).map(shown) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/replays/missing',
      summary: 'What a replay that begins so would leave out; empty where nothing.',
      access: 'operator',
      body: beginSchema,
      answers: { 200: missingSchema },
      handle: async ({ body }) => ({ missing: await told(replays.missing(beginOf(body))) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/replays',
      summary: 'Begins to fill another generation, beside the live one.',
      access: 'operator',
      body: z.strictObject({ begin: beginSchema, accept_missing: z.boolean().default(false) }),
      answers: { 201: generationSchema },
      async handle({ caller, body }) {
        const { begin, accept_missing: acceptMissing } = body
        const started = await told(replays.start({ beginWith: beginOf(begin), acceptMissing }))
        await noted(caller, 'replay.start', started.generation, body)
        return shown(started)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/replays/:generation/compare',
      summary: 'Compares with the live generation, by table and day.',
      access: 'operator',
      params: number,
      answers: { 200: generationSchema },
      handle: async ({ params }) => shown(await told(replays.compare(params.generation))),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/replays/:generation/flip',
      summary: 'Makes it the live one.',
      access: 'operator',
      params: number,
      body: z.strictObject({
        keep: count.optional().meta({ description: 'How many that were live before are kept; all without.' }),
      }),
      answers: { 200: generationSchema },
      async handle({ caller, params: { generation }, body: { keep } }) {
        const live = await told(replays.flip(generation, keep))
        await noted(caller, 'replay.flip', generation, keep === undefined ? null : { keep })
        return shown(live)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/replays/:generation',
      summary: 'Takes the storage of one that is not live away.',
      access: 'operator',
      params: number,
      answers: { 204: null },
      async handle({ caller, params: { generation } }) {
        await told(replays.discard(generation))
        await noted(caller, 'replay.discard', generation)
        return null
      },
    }),
  ]
}

/** What is refused with a sentence for who asked. */
async function told<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    const isMissing = /^there is no generation/.test(error.message)
    throw new ApiError(isMissing ? 404 : 409, isMissing ? '42704' : '55000', error.message, { cause: error })
  }
}

function beginOf(begin: z.output<typeof beginSchema>): BeginWith {
  return begin.kind === 'time' ? { kind: 'time', timeMs: Date.parse(begin.time) } : begin
}

function shown({ beginWith, progress, comparison, ...generation }: Generation) {
  const begin =
    beginWith?.kind === 'time' ? { kind: 'time', time: new Date(beginWith.timeMs).toISOString() } : beginWith
  return {
    ...generation,
    begin,
    size_bytes: generation.sizeBytes,
    progress: progress && {
      records: progress.records,
      records_total: progress.recordsTotal,
      events: progress.events,
      dead_letters: progress.deadLetters,
      events_per_second: progress.eventsPerSecond,
      seconds_left: progress.secondsLeft,
      doing: progress.doing,
    },
    comparison: comparison && {
      compared_at: comparison.comparedAt,
      days: comparison.days.map(({ projectId, table, day, liveRows, rows, isEqual }) => ({
        ...{ project_id: projectId, table, day, live_rows: liveRows, rows, is_equal: isEqual },
      })),
      differences: comparison.differences.map(({ projectId, ...rest }) => ({ project_id: projectId, ...rest })),
    },
    created_at: generation.createdAt,
    live_at: generation.liveAt,
    retired_at: generation.retiredAt,
  }
}

export type GenerationAnswer = z.output<typeof generationSchema>
export type ComparisonAnswer = z.output<typeof comparisonSchema>
