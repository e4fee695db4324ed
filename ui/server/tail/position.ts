/**
 * Where a tail stands, as text a client keeps and hands back (`resume=`):
 * `<log id>/<partition>.<offset>.<source partition>:<origin>,…/…`, one part a partition of the topic.
 */
import type { Position, Reached } from '#pipeline/log/log.ts'

export function positionText(positions: readonly Position[]): string {
  const parts = positions.map(({ partition, offset, reached }) => {
    const origins = Object.entries(reached).map(([source, origin]) => `${source}:${origin}`)
    return `${partition}.${offset}.${origins.join(',')}`
  })
  return [positions[0]?.log ?? '', ...parts].join('/')
}

/** @returns null where the text is no position */
export function parsePosition(text: string, topic: string): readonly Position[] | null {
  const [log, ...parts] = text.split('/')
  const positions: Position[] = []
  for (const part of parts) {
    const match = /^(\d{1,4})\.(\d{1,15})\.((?:\d{1,4}:-?\d{1,15}(?:,(?!$)|$))*)$/.exec(part)
    if (match === null || Number(match[1]) !== positions.length) return null
    const origins = match[3] === '' ? [] : match[3].split(',').map((origin) => origin.split(':').map(Number))
    const reached = Object.fromEntries(origins) as Reached
    positions.push({ topic, partition: Number(match[1]), offset: Number(match[2]), reached, log })
  }
  return positions.length === 0 ? null : positions
}

/** The later of two positions of one partition; both have seen everything before their offset. */
export function later(one: Position, other: Position): Position {
  const reached: Record<number, number> = { ...one.reached }
  for (const [source, origin] of Object.entries(other.reached)) {
    reached[Number(source)] = Math.max(origin, reached[Number(source)] ?? -1)
  }
  return { ...one, offset: Math.max(one.offset, other.offset), reached }
}
