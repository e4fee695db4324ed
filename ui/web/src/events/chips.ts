/** Filter text as chips and back: chips are what AND joins at the top. */

const PIECE = /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\(|\)|[\p{L}\p{N}_.]+|\s+|./gsu

/** The conditions that AND joins at the top level of a filter. Joined again they are the filter. */
export function chipsOf(filter: string): string[] {
  const chips: string[] = []
  let chip = ''
  let depth = 0
  let between = false
  for (const [piece] of filter.matchAll(PIECE)) {
    if (piece === '(') depth++
    if (piece === ')') depth--
    const word = piece.toLowerCase()
    if (depth === 0 && word === 'between') between = true
    else if (depth === 0 && word === 'and' && !between) {
      chips.push(chip)
      chip = ''
      continue
    } else if (word === 'and') between = false
    chip += piece
  }
  const found = [...chips, chip].map((text) => text.trim()).filter((text) => text !== '')
  // OR binds weaker than AND: a filter with OR at the top is one condition.
  return found.some(hasTopLevelOr) ? [filter.trim()] : found
}

export function filterOf(chips: readonly string[]): string {
  return chips.length === 1 ? chips[0] : chips.map((chip) => (hasTopLevelOr(chip) ? `(${chip})` : chip)).join(' AND ')
}

/** Whether a chip takes rows away rather than choosing them: shown outlined. */
export function isExclusion(chip: string): boolean {
  return /^not\b/i.test(chip) || /(<>|!=|!~|\snot\s+(in|like|ilike|between)\b)/i.test(withoutTexts(chip))
}

/** `column = 'value'` as the filter language writes it. */
export function equals(operand: string, value: unknown): string {
  if (value === null || value === undefined) return `${operand} IS NULL`
  const isPath = operand.includes('->>')
  const plain = !isPath && ['number', 'bigint', 'boolean'].includes(typeof value)
  return `${operand} = ${plain ? String(value) : quoted(String(value))}`
}

const MADE_BY_DIFFERS = /^\((.+?) <> (.+) OR \1 IS NULL\)$/s

/** Everything but that value: rows that have none stay. */
export function differs(operand: string, value: unknown): string {
  if (value === null || value === undefined) return `${operand} IS NOT NULL`
  return `(${equals(operand, value).replace(' = ', ' <> ')} OR ${operand} IS NULL)`
}

const OPERAND = String.raw`\w+(?:->'(?:[^']|'')*')*(?:->>'(?:[^']|'')*')?`
const CONDITION = new RegExp(
  String.raw`^(?:NOT\s+)?(${OPERAND})\s*(?:=|<>|!=|<=|>=|<|>|!?~|(?:NOT\s+)?(?:IN|LIKE|ILIKE|BETWEEN)\b|IS\b)`,
  'i',
)

/** What a chip is about, where that is one column or path; `null` for everything else. */
export function operandOf(chip: string): string | null {
  const made = MADE_BY_DIFFERS.exec(chip)
  if (made !== null) return made[1]
  if (hasTopLevelOr(chip)) return null
  return CONDITION.exec(chip)?.[1] ?? null
}

/** Whether two chips say the same, however they are spaced. */
export function isSameChip(one: string, other: string): boolean {
  const squeezed = (chip: string) => chip.replaceAll(/('(?:[^']|'')*')|\s+/g, '$1')
  return squeezed(one) === squeezed(other)
}

/** Another condition beside those that are there. A second value for the same operand takes the place of the first: no event has both. */
export function withChip(chips: readonly string[], chip: string): string[] {
  if (chips.some((each) => isSameChip(each, chip))) return [...chips]
  const operand = operandOf(chip)
  const at =
    operand === null
      ? -1
      : chips.findIndex((each) => operandOf(each) === operand && /^\s*=/.test(each.slice(operand!.length)))
  return at < 0 ? [...chips, chip] : chips.toSpliced(at, 1, chip)
}

/** A chip in fewer words: what {@link differs} makes is read as `not name = 'x'`. */
export function chipWords(chip: string): { readonly not: boolean; readonly text: string } {
  const made = MADE_BY_DIFFERS.exec(chip)
  if (made !== null) return { not: true, text: `${made[1]} = ${made[2]}` }
  const not = /^not\s+/i.exec(chip)
  return not === null ? { not: false, text: chip } : { not: true, text: chip.slice(not[0].length) }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

function hasTopLevelOr(text: string): boolean {
  let depth = 0
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece === '(') depth++
    if (piece === ')') depth--
    if (depth === 0 && piece.toLowerCase() === 'or') return true
  }
  return false
}

const withoutTexts = (text: string) => text.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, '')
