/**
 * The text at a path in JSON text, as DuckDB's `json_extract_string` gives it: a string's characters, any other value
 * as compact JSON with its doubles in their shortest form; of a key that stands twice the first. The value is found by
 * skipping over what is beside it, so nothing but the value is ever made.
 */

/** A text is a key (in a list: an index in decimal); a number is an index and finds nothing in an object. */
export type JsonPath = readonly (string | number)[]

/** @returns null where there is nothing at the path, or JSON's null */
export function textAt(json: string, path: JsonPath): string | null {
  let at = skipSpace(json, 0)
  for (const key of path) {
    const found = memberAt(json, at, key)
    if (found < 0) return null
    at = found
  }
  return textOf(json.slice(at, valueEnd(json, at)))
}

/** Where the member's value begins; -1 where the value at `at` has no such member. */
function memberAt(json: string, at: number, key: string | number): number {
  const isObject = json[at] === '{'
  const index = typeof key === 'number' ? key : /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : -1
  if (isObject ? typeof key === 'number' : json[at] !== '[' || index < 0) return -1
  let inside = skipSpace(json, at + 1)
  if (json[inside] === ']' || json[inside] === '}') return -1
  for (let position = 0; ; position++) {
    let found = position === index
    if (isObject) {
      const keyEnd = stringEnd(json, inside)
      found = stringOf(json.slice(inside, keyEnd)) === key
      inside = skipSpace(json, skipSpace(json, keyEnd) + 1)
    }
    if (found) return inside
    inside = skipSpace(json, valueEnd(json, inside))
    if (json[inside] !== ',') return -1
    inside = skipSpace(json, inside + 1)
  }
}

function skipSpace(json: string, from: number): number {
  let at = from
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++
  return at
}

function valueEnd(json: string, from: number): number {
  let depth = 0
  let at = from
  while (at < json.length) {
    switch (json[at]) {
      case '"':
        at = stringEnd(json, at)
        if (depth === 0) return at
        continue
      case '{':
      case '[':
        depth++
        break
      case '}':
      case ']':
        if (depth === 0) return at
        if (--depth === 0) return at + 1
        break
      case ',':
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        if (depth === 0) return at
    }
    at++
  }
  return at
}

/** The end of the string whose opening quote is at `from`. */
function stringEnd(json: string, from: number): number {
  let at = from + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

function stringOf(quoted: string): string {
  return quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1)
}

function textOf(value: string): string | null {
  switch (value[0]) {
    case '"':
      return stringOf(value)
    case 'n':
      return null
    case '{':
    case '[':
      return compact(value)
    default:
      return scalarText(value)
  }
}

function scalarText(value: string): string {
  if (value === '-0') return '0'
  return /^-?\d*[.\deE+-]*$/.test(value) && /[.eE]/.test(value) ? doubleText(value) : value
}

/** A double as yyjson writes it; one too large to be one stays as it was sent. */
function doubleText(digits: string): string {
  const value = Number(digits)
  if (!Number.isFinite(value)) return digits
  const text = Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e')
  return /[.e]/.test(text) ? text : `${text}.0`
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[^\s"{}[\],:]+|[{}[\],:]/g

function compact(json: string): string {
  let text = ''
  for (const [token] of json.matchAll(TOKENS)) text += compactToken(token)
  return text
}

function compactToken(token: string): string {
  if (token[0] !== '"') return scalarText(token)
  if (!token.includes('\\')) return token
  return JSON.stringify(JSON.parse(token)).replace(
    /\\u00[01][0-9a-f]/g,
    (control) => `\\u${control.slice(2).toUpperCase()}`,
  )
}
