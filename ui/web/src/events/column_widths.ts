/** How wide columns are: as their values need, up to a bound. They only grow, or the list would tremble as rows pass. */
import { cellText } from './cells.ts'
import { type Column, SERVICE } from './columns.ts'
import type { ListedEvent } from './event.ts'
import { textWidth } from './row_layout.ts'

/** Pixels of those whose values are all alike; the message takes what is left. */
const FIXED_PX: Readonly<Record<string, number>> = { timestamp: 98, duration: 122 }
const LEAST_PX: Readonly<Record<string, number>> = { level: 46, kind: 56, [SERVICE]: 84 }
export const GAP_PX = 8
/** Gutter bar and margins of a row. */
export const EDGES_PX = 32
const MOST_PX = 300
/** The mark of a service before its name. */
const MARK_PX = 9
/** A name in the head is set smaller than a value. */
const HEAD_CHARACTER_PX = 6.2
const MESSAGE_LEAST_PX = 260

export type Widths = ReadonlyMap<string, number>

/** @param events in sight @param before what it was; the very same where nothing grew */
export function widthsOf(
  columns: readonly Column[],
  events: readonly ListedEvent[],
  characterPx: number,
  before: Widths,
): Widths {
  const next = new Map(before)
  for (const column of columns) {
    const { name, title } = column
    if (name === 'message' || FIXED_PX[name] !== undefined) continue
    let characters = 0
    for (const event of events) characters = Math.max(characters, textWidth(cellText(event, column)))
    const value = Math.ceil(characters * characterPx) + (name === SERVICE ? MARK_PX : 1)
    const wanted = Math.max(value, Math.ceil(title.length * HEAD_CHARACTER_PX) + 4, LEAST_PX[name] ?? 0)
    next.set(name, Math.max(next.get(name) ?? 0, Math.min(MOST_PX, wanted)))
  }
  return next.size === before.size && [...next].every(([name, px]) => before.get(name) === px) ? before : next
}

const pxOf = (name: string, widths: Widths): number => FIXED_PX[name] ?? widths.get(name) ?? LEAST_PX[name] ?? 60

/** As CSS says it (`grid-template-columns`). The last takes the rest where there is no message. */
export function template(columns: readonly Column[], widths: Widths): string {
  const tracks = columns.map(({ name }) =>
    name === 'message' ? `minmax(${MESSAGE_LEAST_PX}px, 1fr)` : `${pxOf(name, widths)}px`,
  )
  return columns.some(({ name }) => name === 'message') ? tracks.join(' ') : `${tracks.join(' ')} 1fr`
}

/** What the columns need at least, edges included. */
export function leastPx(columns: readonly Column[], widths: Widths): number {
  const tracks = columns.map(({ name }) => (name === 'message' ? MESSAGE_LEAST_PX : pxOf(name, widths)))
  return tracks.reduce((sum, px) => sum + px, 0) + GAP_PX * (columns.length - 1) + EDGES_PX
}

/** What is left for the message in a list of that width. */
export function messagePx(columns: readonly Column[], widths: Widths, listPx: number): number {
  return Math.max(MESSAGE_LEAST_PX, listPx - leastPx(columns, widths) + MESSAGE_LEAST_PX)
}
