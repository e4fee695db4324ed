/** Replays in words, for the terminal. */
import type { Rows } from './render.ts'

export interface GenerationAnswer {
  readonly generation: number
  readonly state: string
  readonly reason: string | null
  readonly lake: number
  readonly projections: number
  readonly stages: string | null
  readonly size_bytes: number | null
  readonly created_at: string
  readonly live_at: string | null
  readonly progress: {
    readonly records: number
    readonly records_total: number
    readonly events: number
    readonly dead_letters: number
    readonly events_per_second: number
    readonly seconds_left: number | null
    readonly doing: string
  } | null
  readonly comparison: ComparisonAnswer | null
}

export interface ComparisonAnswer {
  readonly compared_at: string
  readonly days: readonly {
    readonly project_id: string
    readonly table: string
    readonly day: string
    readonly live_rows: number
    readonly rows: number
    readonly is_equal: boolean
  }[]
  readonly differences: readonly {
    readonly table: string
    readonly id: string
    readonly kind: string
    readonly columns: readonly { readonly name: string; readonly live: string | null; readonly next: string | null }[]
  }[]
}

export interface ReplayAnswer {
  readonly items: readonly GenerationAnswer[]
}

const BAR = 24

/** @param width of the terminal, for a line that must not wrap; `null` for a line on paper, without a bar */
export function statusLine(
  { generation, state, reason, progress }: GenerationAnswer,
  width: number | null = null,
): string {
  const words = [`generation ${generation}`, state.replaceAll('_', ' ')]
  if (progress !== null && progress.records_total === 0 && state === 'running') words.push(progress.doing)
  else if (progress !== null && ['running', 'caught_up', 'flipping'].includes(state)) {
    const part = progress.records_total === 0 ? 1 : Math.min(1, progress.records / progress.records_total)
    if (width !== null) words.push(`[${'='.repeat(Math.floor(part * BAR)).padEnd(BAR)}]`)
    words.push(`${Math.floor(part * 100)} %`)
    words.push(`${number(progress.records)} of ${number(progress.records_total)} records`)
    words.push(`${number(progress.events)} events, ${number(progress.events_per_second)}/s`)
    if (progress.dead_letters > 0) words.push(`${number(progress.dead_letters)} dead letters`)
    if (state === 'running' && progress.seconds_left !== null) words.push(`${time(progress.seconds_left)} left`)
  }
  if (reason !== null) words.push(reason)
  const line = words.join('  ')
  return width === null ? line : line.slice(0, width - 1)
}

export function listRows(items: readonly GenerationAnswer[]): Rows {
  const columns = [
    { name: 'generation', type: 'bigint' },
    ...['state', 'lake', 'projections', 'size', 'stages', 'made', 'live since'].map((name) => ({ name, type: 'text' })),
  ]
  const rows = items.map((each) => [
    ...[each.generation, each.state, `g${each.lake}`, `g${each.projections}`],
    ...[each.size_bytes === null ? null : size(each.size_bytes), each.stages, each.created_at, each.live_at],
  ])
  return { columns, rows }
}

const MAX_DAYS = 40

/** What differs, and that the rest does not. */
export function comparisonText({ days, differences }: ComparisonAnswer): string {
  const rows = days.reduce((sum, day) => sum + day.rows, 0)
  const unequal = days.filter((day) => !day.is_equal)
  if (unequal.length === 0) {
    return `the same: ${number(rows)} rows in ${days.length} ${days.length === 1 ? 'day or table' : 'days and tables'}, every value`
  }
  const lines = [`${unequal.length} of ${days.length} days and tables differ:`]
  for (const { project_id, table, day, live_rows, rows: next } of unequal.slice(0, MAX_DAYS)) {
    lines.push(
      `  ${[project_id, table, day].filter((part) => part !== '').join('  ')}  ${number(live_rows)} rows live, ${number(next)} new`,
    )
  }
  if (unequal.length > MAX_DAYS) lines.push(`  and ${unequal.length - MAX_DAYS} more`)
  for (const { table, id, kind, columns } of differences) {
    lines.push(`  ${table}  ${id}  ${kind}`)
    for (const { name, live, next } of columns) lines.push(`    ${name}: ${live ?? 'null'} -> ${next ?? 'null'}`)
  }
  return lines.join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function time(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const unit = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)))
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}
