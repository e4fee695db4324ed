/** Which lines a waterfall has: folded, filtered, and with the guides that join a span to its parent. */
import type { Span, Trace } from './tree.ts'

export interface WaterfallRow {
  readonly span: Span
  /** For each level above: `pass` where the line goes on to a later sibling, `end` and `branch` at the span itself. */
  readonly guides: readonly ('none' | 'pass' | 'branch' | 'end')[]
  readonly hasChildren: boolean
  readonly folded: boolean
  /** The service is named only where it changes. */
  readonly namesService: boolean
}

export interface WaterfallChoice {
  /** Span ids whose children are hidden. */
  readonly folded: ReadonlySet<string>
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
  type Open = { readonly span: Span; readonly guides: WaterfallRow['guides']; readonly service: string }
  const childrenOf = (span: Span) => (kept === null ? span.children : span.children.filter((child) => kept.has(child)))
  const roots = kept === null ? trace.roots : trace.roots.filter((root) => kept.has(root))
  const stack: Open[] = roots.map((span) => ({ span, guides: [], service: '' })).reverse()
  for (let open = stack.pop(); open !== undefined; open = stack.pop()) {
    const { span, guides, service } = open
    const children = childrenOf(span)
    const folded = choice.folded.has(span.spanId)
    rows.push({ span, guides, hasChildren: children.length > 0, folded, namesService: span.service !== service })
    if (folded) continue
    const above = guides.map((guide) => (guide === 'branch' || guide === 'pass' ? 'pass' : 'none') as 'pass' | 'none')
    children.toReversed().forEach((child, at) => {
      const own = guides.length < MAX_GUIDES ? [...above, at === 0 ? ('end' as const) : ('branch' as const)] : guides
      stack.push({ span: child, guides: own, service: span.service })
    })
  }
  return rows
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
