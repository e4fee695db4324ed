/** Which lines a waterfall has: folded, filtered, and with the guides that join a span to its parent. */
import type { Span, Trace } from './tree.ts'

export interface WaterfallRow {
  readonly span: Span
  /** For each level above: `pass` where the line goes on to a later sibling, `end` and `branch` at the span itself. */
  readonly guides: readonly ('none' | 'pass' | 'branch' | 'end')[]
  readonly hasChildren: boolean
  readonly folded: boolean
  /** Spans that look alike and stand next to one another in the tree; the first speaks for all while they are folded. */
  readonly alike: readonly Span[]
  /** The service is named only where it changes. */
  readonly namesService: boolean
}

export interface WaterfallChoice {
  /** Span ids whose children are hidden. */
  readonly folded: ReadonlySet<string>
  /** First spans of those alike that are shown one by one. */
  readonly unfolded: ReadonlySet<string>
  /** Text in name, service or result. */
  readonly find: string
  readonly onlyErrors: boolean
  readonly onlyPath: boolean
}

/** Guides stop here: a chain of a thousand is no wider than this. */
const MAX_GUIDES = 16

export function waterfallRows(trace: Trace, path: ReadonlySet<Span>, choice: WaterfallChoice): WaterfallRow[] {
  const kept = keptSpans(trace, path, choice)
  const rows: WaterfallRow[] = []
  type Open = Pick<WaterfallRow, 'span' | 'guides' | 'alike'> & { readonly service: string }
  const childrenOf = (span: Span) => (kept === null ? span.children : span.children.filter((child) => kept.has(child)))
  const roots = kept === null ? trace.roots : trace.roots.filter((root) => kept.has(root))
  const stack: Open[] = roots.map((span) => ({ span, guides: [], service: '', alike: [] })).reverse()
  for (let open = stack.pop(); open !== undefined; open = stack.pop()) {
    const { span, guides, service, alike } = open
    const children = childrenOf(span)
    const folded = alike.length > 0 ? !choice.unfolded.has(span.spanId) : choice.folded.has(span.spanId)
    const hasChildren = children.length > 0 || alike.length > 0
    rows.push({ span, guides, alike, hasChildren, folded, namesService: span.service !== service })
    if (folded) continue
    const above = guides.map((guide) => (guide === 'branch' || guide === 'pass' ? 'pass' : 'none') as 'pass' | 'none')
    // Whoever looks for something sees it, not what is like it.
    const groups = kept === null ? alikeAmong(children) : new Map<Span, readonly Span[]>()
    const hidden = new Set(
      [...groups].flatMap(([first, group]) => (choice.unfolded.has(first.spanId) ? [] : group.slice(1))),
    )
    const shown = children.filter((child) => !hidden.has(child))
    shown.toReversed().forEach((child, at) => {
      const own = guides.length < MAX_GUIDES ? [...above, at === 0 ? ('end' as const) : ('branch' as const)] : guides
      stack.push({ span: child, guides: own, service: span.service, alike: groups.get(child) ?? [] })
    })
  }
  return rows
}

/** More siblings of one service and name than this, without children of their own, are one row. */
const MAX_ALIKE = 20

function alikeAmong(children: readonly Span[]): ReadonlyMap<Span, readonly Span[]> {
  if (children.length <= MAX_ALIKE) return new Map()
  const leaves = children.filter((child) => child.children.length === 0)
  const groups = Map.groupBy(leaves, ({ service, name }) => JSON.stringify([service, name]))
  return new Map([...groups.values()].filter((group) => group.length > MAX_ALIKE).map((group) => [group[0], group]))
}

/** Of spans alike, as one: from the first beginning to the last end, and what is to be said of them. */
export function asOne(alike: readonly Span[]) {
  const at = alike.reduce((least, span) => Math.min(least, span.at), alike[0].at)
  const end = alike.reduce((most, span) => Math.max(most, span.at + span.durationMs), at)
  const durations = alike.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  return {
    at,
    durationMs: end - at,
    p95Ms: durations[Math.floor(durations.length * 0.95)],
    failed: alike.filter(({ failed }) => failed).length,
  }
}

/** What matches, and what stands above it; `null` where nothing is asked. */
function keptSpans(trace: Trace, path: ReadonlySet<Span>, choice: WaterfallChoice): ReadonlySet<Span> | null {
  const wanted = choice.find.trim().toLowerCase()
  if (wanted === '' && !choice.onlyErrors && !choice.onlyPath) return null
  const matches = (span: Span) =>
    (!choice.onlyErrors || span.failed) &&
    (!choice.onlyPath || path.has(span)) &&
    `${span.name} ${span.service} ${span.result}`.toLowerCase().includes(wanted)
  const kept = new Set<Span>()
  const parents = new Map<Span, Span>()
  for (const span of trace.spans) for (const child of span.children) parents.set(child, span)
  for (const span of trace.spans) {
    if (!matches(span)) continue
    for (let at: Span | undefined = span; at !== undefined && !kept.has(at); at = parents.get(at)) kept.add(at)
  }
  return kept
}

/**
 * The spans that made a trace take as long as it did: from the end backwards, always the child that ended last before
 * the point reached (as in Jaeger's critical path).
 */
export function criticalPath(trace: Trace): ReadonlySet<Span> {
  const path = new Set<Span>()
  const longest = trace.roots.toSorted((a, b) => b.durationMs - a.durationMs)[0]
  const stack = longest === undefined ? [] : [longest]
  for (let span = stack.pop(); span !== undefined; span = stack.pop()) {
    path.add(span)
    const endOf = ({ at, durationMs }: Span) => at + durationMs
    let reached = endOf(span)
    for (const child of span.children.toSorted((a, b) => endOf(b) - endOf(a))) {
      // What outlives its parent was not waited for.
      if (endOf(child) > reached + CLOCK_SKEW_MS) continue
      reached = child.at
      stack.push(child)
    }
  }
  return path
}

/** Two services' clocks; and some SDKs stamp beginnings by the millisecond. */
const CLOCK_SKEW_MS = 1
