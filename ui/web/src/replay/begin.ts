/** What a person says a replay is to begin with, as the API has it. */
export type Kind = 'beginning' | 'time' | 'offset'

export type Begin =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'time'; readonly time: string }
  | { readonly kind: 'offset'; readonly offset: number }

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2}(?::\d{2})?))?Z?$/

/** @returns `null` where the text is no time (UTC) or offset */
export function beginOf(kind: Kind, text: string): Begin | null {
  if (kind === 'beginning') return { kind }
  const given = text.trim()
  if (kind === 'offset') return /^\d{1,15}$/.test(given) ? { kind, offset: Number(given) } : null
  const [, day, time = '00:00'] = TIME.exec(given) ?? []
  const ms = Date.parse(`${day}T${time.padStart(5, '0')}Z`)
  return Number.isNaN(ms) ? null : { kind, time: new Date(ms).toISOString() }
}
