/** Limits as people type them. Empty is `null`: without limit; what is no number is `undefined`. */

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 }

/** `2,000` */
export function wholeTyped(text: string): number | null | undefined {
  const digits = text.replaceAll(/[\s,_]/g, '')
  if (digits === '') return null
  return /^\d{1,16}$/.test(digits) && Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined
}

/** `20 GB`, `1.5 TB`, `4096`: in thousands, as disks count. */
export function bytesTyped(text: string): number | null | undefined {
  const plain = text.replaceAll(/[\s,_]/g, '')
  if (plain === '') return null
  const found = /^(\d{1,16}(?:\.\d{1,6})?)([kmgt]?)b?$/i.exec(plain)
  if (found === null) return undefined
  const value = Math.round(Number(found[1]) * 1000 ** POWERS[found[2].toLowerCase()])
  return Number.isSafeInteger(value) ? value : undefined
}

/** What {@link bytesTyped} reads as exactly that again. */
export function sizeText(bytes: number): string {
  const [unit, power] = Object.entries(POWERS).findLast(([, power]) => bytes >= 1000 ** power) ?? ['', 0]
  const text = `${bytes / 1000 ** power} ${unit === 'k' ? 'k' : unit.toUpperCase()}B`
  return bytesTyped(text) === bytes ? text : String(bytes)
}
