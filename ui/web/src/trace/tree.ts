/** A trace as a tree of spans, from its rows: each span under its parent, logs under the span they were written in. */
import type { Row } from '../api/ask.ts'
import { shownValue } from '../events/event.ts'

export interface TraceLog {
  readonly id: string
  readonly timestamp: string
  /** Unix milliseconds, with microseconds behind the point. */
  readonly at: number
  readonly level: string
  readonly text: string
}

export interface Span {
  readonly id: string
  readonly spanId: string
  readonly parentId: string | null
  readonly timestamp: string
  /** Start, Unix milliseconds, with microseconds behind the point. */
  readonly at: number
  readonly durationMs: number
  readonly name: string
  readonly service: string
  readonly kind: string
  readonly failed: boolean
  /** What it came to, in a word: an HTTP status, `failed`, an exception's type. */
  readonly result: string
  readonly depth: number
  readonly children: readonly Span[]
  readonly logs: readonly TraceLog[]
  /** Time in which none of its children ran, milliseconds. */
  readonly selfMs: number
}

export interface Trace {
  /** Depth first, as a waterfall shows them. */
  readonly spans: readonly Span[]
  readonly roots: readonly Span[]
  /** Logs of no span that is here. */
  readonly logs: readonly TraceLog[]
  /** Unix milliseconds. */
  readonly start: number
  readonly durationMs: number
  readonly services: readonly string[]
  readonly failed: number
}

/** ISO 8601 with microseconds to Unix milliseconds; `Date.parse` drops the microseconds. */
export function preciseMs(timestamp: string): number {
  const fraction = /\.(\d{3})(\d{1,3})/.exec(timestamp)
  return Date.parse(timestamp) + (fraction === null ? 0 : Number(fraction[2].padEnd(3, '0')) / 1000)
}

type Draft = { -readonly [Key in Exclude<keyof Span, 'children' | 'logs'>]: Span[Key] } & {
  children: Draft[]
  logs: TraceLog[]
}

/** @param rows of `traceSql`, by time */
export function readTrace(rows: readonly Row[]): Trace {
  const drafts: Draft[] = []
  const bySpanId = new Map<string, Draft>()
  for (const row of rows) {
    if (row.kind === 'log') continue
    const span = draftOf(row)
    // A span sent twice is one span.
    if (bySpanId.has(span.spanId)) continue
    bySpanId.set(span.spanId, span)
    drafts.push(span)
  }
  const loose: TraceLog[] = []
  for (const row of rows) {
    if (row.kind !== 'log') continue
    const into = bySpanId.get(String(row.context___span_id))?.logs ?? loose
    into.push(logOf(row))
  }
  const parentOf = ({ parentId }: Draft) => (parentId === null ? undefined : bySpanId.get(parentId))
  for (const span of drafts) parentOf(span)?.children.push(span)
  const roots = drafts.filter((span) => parentOf(span) === undefined)
  const seen = new Set<Draft>()
  const spans = roots.flatMap((root) => depthFirst(root, seen))
  for (const span of drafts) {
    if (seen.has(span)) continue
    // Parents that lead in a circle: cut here, or all of them would be hidden.
    const { children } = parentOf(span)!
    children.splice(children.indexOf(span), 1)
    roots.push(span)
    spans.push(...depthFirst(span, seen))
  }
  for (const span of spans) span.selfMs = selfMs(span)
  const moments = [...spans, ...loose]
  const start = moments.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const end = moments.reduce((most, each) => Math.max(most, each.at + ('durationMs' in each ? each.durationMs : 0)), 0)
  return {
    spans,
    roots,
    logs: loose,
    start: rows.length === 0 ? 0 : start,
    durationMs: rows.length === 0 ? 0 : end - start,
    services: [...new Set(spans.map(({ service }) => service))],
    failed: spans.filter(({ failed }) => failed).length,
  }
}

function depthFirst(root: Draft, seen: Set<Draft>): Draft[] {
  const spans: Draft[] = []
  // Not recursive: a chain of 10,000 spans is no reason to run out of stack.
  const stack = [root]
  for (let span = stack.pop(); span !== undefined; span = stack.pop()) {
    seen.add(span)
    spans.push(span)
    for (const child of span.children.toReversed()) {
      child.depth = span.depth + 1
      stack.push(child)
    }
  }
  return spans
}

/** The length of a span that no child covers; children may overlap, and outlive it. */
function selfMs({ at, durationMs, children }: Draft): number {
  const end = at + durationMs
  let covered = 0
  let until = at
  for (const child of children) {
    const from = Math.max(until, child.at)
    const to = Math.min(end, child.at + child.durationMs)
    if (to > from) {
      covered += to - from
      until = to
    }
  }
  return durationMs - covered
}

function draftOf(row: Row): Draft {
  const failed = row.status_code === 'ERROR'
  const status = row.attributes___http___response___status_code
  return {
    id: String(row.id),
    spanId: String(row.context___span_id),
    parentId: row.parent_id === null ? null : String(row.parent_id),
    timestamp: String(row.timestamp),
    at: preciseMs(String(row.timestamp)),
    durationMs: Number(row.duration ?? 0) / 1e6,
    name: String(row.name ?? ''),
    service: String(row.resource___service___name ?? ''),
    kind: String(row.kind),
    failed,
    result: String(status ?? (failed ? (row.status_message ?? row.attributes___exception___type ?? 'failed') : '')),
    depth: 0,
    children: [],
    logs: [],
    selfMs: 0,
  }
}

function logOf(row: Row): TraceLog {
  return {
    id: String(row.id),
    timestamp: String(row.timestamp),
    at: preciseMs(String(row.timestamp)),
    level: String(row.level ?? ''),
    text: row.body === null ? String(row.name ?? row.attributes___exception___type ?? '') : shownValue(row.body),
  }
}
