/** Where the parts of a topology stand: columns by distance from the source, fixed, so that the eye finds them again. */
import type { TopologyReport } from '../api/topology.ts'

export const NODE = { width: 148, height: 54 } as const
const COLUMN_PX = 244
const ROW_PX = 98
const LEFT_PX = 40
/** Room for the inputs before the first part. */
const INPUT_PX = 170

export interface PlacedNode {
  readonly name: string
  readonly kind: 'input' | 'stage' | 'sink'
  /** The left upper corner. */
  readonly x: number
  readonly y: number
}

/** A topic on its way from what writes it to one that reads it. */
export interface PlacedEdge {
  readonly topic: string
  readonly from: PlacedNode
  readonly to: PlacedNode
  readonly path: string
  /** The middle. */
  readonly x: number
  readonly y: number
  /** Only the first edge of a topic carries its name. */
  readonly named: boolean
}

export interface Layout {
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
  readonly width: number
  readonly height: number
}

/** The part that stands for whatever writes the topics no stage writes. */
export const INPUT = 'receive'

export function layoutOf({ stages, sinks }: Pick<TopologyReport, 'stages' | 'sinks'>): Layout {
  const parts = [
    ...stages.map((stage) => ({ ...stage, kind: 'stage' as const })),
    ...sinks.map((sink) => ({ ...sink, kind: 'sink' as const, produces: null })),
  ]
  const writerOf = new Map(stages.map((stage) => [stage.produces, stage.name]))
  const consumedBy = new Map(parts.map(({ name, consumes }) => [name, consumes]))
  /** From 0: how many stages stand before it. */
  const column = (name: string): number => {
    let steps = -1
    for (let at: string | undefined = name; at !== undefined && steps < parts.length; steps++) {
      at = writerOf.get(consumedBy.get(at) ?? '')
    }
    return steps
  }
  const columns: (typeof parts)[] = []
  for (const part of parts) (columns[column(part.name)] ??= []).push(part)
  const rows = Math.max(1, ...columns.map((each) => each.length))
  const height = rows * ROW_PX + 60
  const yOf = (index: number, of: number) => (height - of * ROW_PX) / 2 + index * ROW_PX + (ROW_PX - NODE.height) / 2

  const input: PlacedNode = { name: INPUT, kind: 'input', x: LEFT_PX, y: yOf(0, 1) }
  const nodes = new Map<string, PlacedNode>([[INPUT, input]])
  columns.forEach((each, at) => {
    each.forEach(({ name, kind }, index) => {
      nodes.set(name, { name, kind, x: LEFT_PX + INPUT_PX + at * COLUMN_PX + 84, y: yOf(index, each.length) })
    })
  })
  const named = new Set<string>()
  const edges = parts.map(({ name, consumes }): PlacedEdge => {
    const from = nodes.get(writerOf.get(consumes) ?? INPUT)!
    const to = nodes.get(name)!
    const isFirst = !named.has(consumes)
    named.add(consumes)
    return { topic: consumes, from, to, named: isFirst, ...curve(from, to) }
  })
  const width = Math.max(...[...nodes.values()].map(({ x }) => x)) + NODE.width + LEFT_PX
  return { nodes: [...nodes.values()], edges, width, height }
}

function curve(from: PlacedNode, to: PlacedNode): { readonly path: string; readonly x: number; readonly y: number } {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2]
  const [x2, y2] = [to.x, to.y + NODE.height / 2]
  const bend = (x2 - x1) / 2
  return { path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, x: (x1 + x2) / 2, y: (y1 + y2) / 2 }
}
