/** What a tail is asked for: the parameters of `/v1/tail`. */
import type { Position } from '#pipeline/log/log.ts'
import { type Filter, FilterError } from '#schemas/filter/filter.ts'
import { parseFilter } from '#schemas/filter/parser.ts'
import { parseAgo, parseTimestamp } from '#schemas/filter/time.ts'
import { TABLES, type Table, type TableColumn } from '#schemas/tables/tables.ts'
import { isoTimestamp } from '#schemas/tables/time_text.ts'
import { parsePosition } from './position.ts'

export interface TailRequest {
  readonly table: Table
  /** `null`: every event. */
  readonly filter: Filter | null
  readonly columns: readonly TableColumn[]
  /** ISO time from which on stored events come first; `null`: none do. */
  readonly from: string | null
  /** Where an earlier connection stood; it takes the place of `from`. */
  readonly resume: readonly Position[] | null
}

/** A request that cannot be answered, with the sentence for who made it. */
export class TailError extends Error {
  override readonly name = 'TailError'
  /** SQLSTATE, or `resume_gone`. */
  readonly code: string
  /** Place in the filter, characters from 1. */
  readonly position: number | undefined
  constructor(code: string, message: string, position?: number) {
    super(message)
    this.code = code
    this.position = position
  }
}

/** What a list shows of an event. */
const LISTED: Record<Table['name'], readonly string[]> = {
  otel_logs_and_spans: [
    'id',
    'timestamp',
    'level',
    'kind',
    'name',
    'resource___service___name',
    'duration',
    'status_code',
    'body',
    'attributes',
    'context___trace_id',
    'context___span_id',
  ],
  otel_metrics: [
    'id',
    'timestamp',
    'metric_name',
    'metric_type',
    'metric_unit',
    'value',
    'resource___service___name',
    'attributes',
  ],
}
/** `project` is read where it is decided who may. */
const PARAMETERS = ['filter', 'from', 'resume', 'columns', 'table', 'project']

/** @param nowMs Unix milliseconds @throws TailError naming the parameter that does not fit */
export function readRequest(parameters: URLSearchParams, topic: string, nowMs: number): TailRequest {
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) throw invalid(`there is no parameter ${unknown}: there are ${PARAMETERS.join(', ')}`)
  const name = parameters.get('table') ?? 'otel_logs_and_spans'
  const table = TABLES.find((candidate) => candidate.name === name)
  if (table === undefined) throw invalid(`there is no table ${name}`)
  const resume = parameters.get('resume')
  const positions = resume === null ? null : parsePosition(resume, topic)
  if (resume !== null && positions === null) throw invalid('resume is not the position of a frame')
  const from = parameters.get('from')
  return {
    table,
    filter: filterOf(parameters.get('filter') ?? '', table),
    columns: columnsOf(parameters.get('columns'), table),
    from: from === null ? null : timeOf(from, nowMs),
    resume: positions,
  }
}

function filterOf(text: string, table: Table): Filter | null {
  try {
    return parseFilter(text, table)
  } catch (cause) {
    if (!(cause instanceof FilterError)) throw cause
    throw new TailError('42601', `filter: ${cause.message}`, cause.position)
  }
}

function columnsOf(list: string | null, table: Table): readonly TableColumn[] {
  if (list === '*') return table.stored
  const names = list === null ? LISTED[table.name] : list.split(',').map((name) => name.trim())
  return [...new Set(names)].map((name) => {
    const column = table.stored.find((candidate) => candidate.name === name)
    if (column !== undefined) return column
    const isDerived = table.columns.some((candidate) => candidate.name === name)
    throw invalid(`columns: ${name} ${isDerived ? 'is put together in SQL only' : `is not in ${table.name}`}`)
  })
}

/** `-15m`, or a time as in a filter. */
function timeOf(text: string, nowMs: number): string {
  const ago = parseAgo(text, nowMs)
  if (ago !== null) return isoTimestamp(BigInt(ago) * 1000n)
  const micros = parseTimestamp(text)
  if (micros === null) throw invalid("from: expected something like -15m (s, m, h, d) or '2026-11-22T10:00:00Z'")
  return isoTimestamp(micros)
}

function invalid(message: string): TailError {
  return new TailError('22023', message)
}
