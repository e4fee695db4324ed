/** What a cell of the list says, and which condition chooses the rows that say the same. */
import { duration } from '../format/numbers.ts'
import { differs, equals } from './chips.ts'
import { type Column, SERVICE } from './columns.ts'
import type { ListedEvent } from './event.ts'

/** What the column shows of an event, as text. */
export function cellText(event: ListedEvent, { name }: Column): string {
  switch (name) {
    case 'timestamp':
      return event.timestamp
    case 'level':
      return event.level
    case SERVICE:
      return event.service
    case 'kind':
      return event.kind
    case 'duration':
      return event.durationMs === null ? '' : duration(event.durationMs)
    case 'message':
      return event.title
    default:
      return moreText(event, name)
  }
}

export function moreText({ more }: ListedEvent, name: string): string {
  const value = more?.[name]
  return value === null || value === undefined ? '' : String(value).replaceAll(/\s*\n\s*/g, ' ⏎ ')
}

/** Both conditions about a value, in the filter language: only the rows that have it, and all the others. */
export interface Conditions {
  readonly only: string
  readonly without: string
}

export const conditionsOf = (operand: string, value: unknown): Conditions => ({
  only: equals(operand, value),
  without: differs(operand, value),
})

/** `null` where a cell chooses nothing: no two rows have one time. */
export function cellConditions(event: ListedEvent, { name }: Column): Conditions | null {
  switch (name) {
    case 'timestamp':
      return null
    case 'level':
      return conditionsOf(name, event.level || null)
    case SERVICE:
      return conditionsOf(name, event.service || null)
    case 'kind':
      return conditionsOf(name, event.kind)
    case 'duration': {
      if (event.durationMs === null) return conditionsOf(name, null)
      // Hardly two spans take the very same time: as long as this one, or shorter.
      const nanos = Math.floor(event.durationMs * 1e6)
      return { only: `duration >= ${nanos}`, without: `(duration < ${nanos} OR duration IS NULL)` }
    }
    case 'message':
      return messageConditions(event)
    default:
      return conditionsOf(name, event.more?.[name])
  }
}

/** Spans by their name; logs by the words of their first line. */
function messageConditions({ kind, title }: ListedEvent): Conditions | null {
  if (title === '') return null
  if (kind !== 'log') return conditionsOf('name', title)
  const phrase = `"${title.split(' ⏎ ')[0].replaceAll('"', '""')}"`
  return { only: phrase, without: `NOT ${phrase}` }
}
