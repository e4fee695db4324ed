/**
 * Packs columns `<scope>.<key>` and `<scope>.rest` into one JSON object per row, in bytes.
 *
 * Every dictionary entry is escaped once and becomes a fragment `,"key":value`; a row is its fragments end to end with
 * the first comma turned into a brace. Rows with the same fragments share one entry of the result: what a resource
 * says is packed once for all its events.
 */
import {
  type Column,
  type DictionaryColumn,
  entryBytes,
  entryCount,
  indexesFor,
  isDictionary,
} from '#pipeline/batch/column.ts'
import { invariant } from '#pipeline/errors/errors.ts'

/** Fragments of one key: row `r` has fragment `index[r]`, 0 = none; fragment k is `data[offsets[k-1]..offsets[k])`. */
interface Fragments {
  readonly data: Uint8Array
  readonly offsets: Uint32Array
  readonly index: ArrayLike<number>
}

const encoder = new TextEncoder()
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN = 0x7b
const CLOSE = 0x7d
const COPY_LOOP_BYTES = 64
/** Rows looked at before the memo is judged: where fewer than one in eight repeats, it is dropped. */
const MEMO_TRIAL_ROWS = 1024

/**
 * The JSON object of each row: int64 as plain digits, doubles always with a point or an exponent ("NaN", "Infinity",
 * "-Infinity" as strings), bytes as base64. A key of `rest` that the row also has as a column is left out
 * (`otlp_exact` holds both). Rows without any key are null.
 *
 * @returns null where no row has a key
 */
export function packJson(
  columns: ReadonlyMap<string, Column>,
  scope: 'attributes' | 'resource',
  rows: number,
): DictionaryColumn | null {
  const prefix = `${scope}.`
  const fragments: Fragments[] = []
  const keys: string[] = []
  let rest: Column | undefined
  for (const [name, column] of columns) {
    if (!name.startsWith(prefix)) continue
    const key = name.slice(prefix.length)
    if (key === 'rest') {
      rest = column
      continue
    }
    keys.push(key)
    fragments.push(fragmentsOf(key, column))
  }
  if (rest !== undefined) {
    invariant(rest.type === 'json', `column ${scope}.rest is ${rest.type}, not json`)
    fragments.push(restFragments(rest, keys, fragments))
  }
  return fragments.length === 0 ? null : join(fragments, rows)
}

function join(fragments: readonly Fragments[], rows: number): DictionaryColumn | null {
  const width = fragments.length
  const index = new Uint32Array(rows)
  let offsets = new Uint32Array(256)
  let data = new Uint8Array(4096)
  let size = 0
  let entries = 0
  // Open addressing over the rows' tuples of fragments: slot -> the row a tuple first occurred in, plus 1.
  let memo: Uint32Array | null = new Uint32Array(1 << Math.ceil(Math.log2(Math.max(16, rows * 2))))
  const mask = memo.length - 1
  let hits = 0
  for (let row = 0; row < rows; row++) {
    let hash = 0
    let slot = 0
    if (memo !== null) {
      for (let at = 0; at < width; at++) hash = Math.imul(hash ^ fragments[at].index[row], 0x9e3779b1) ^ (hash >>> 15)
      slot = (hash ^ (hash >>> 13)) & mask
      let found = memo[slot]
      while (found !== 0 && !sameTuple(fragments, found - 1, row)) {
        slot = (slot + 1) & mask
        found = memo[slot]
      }
      if (found !== 0) {
        index[row] = index[found - 1]
        hits++
        continue
      }
    }
    const start = size
    for (let at = 0; at < width; at++) {
      const part = fragments[at]
      const which = part.index[row]
      if (which === 0) continue
      const from = part.offsets[which - 1]
      const length = part.offsets[which] - from
      if (size + length + 1 > data.length) data = grown(data, size + length + 1)
      copy(part.data, from, length, data, size)
      size += length
    }
    if (size > start) {
      data[start] = OPEN
      if (size + 1 > data.length) data = grown(data, size + 1)
      data[size++] = CLOSE
      if (entries + 2 > offsets.length) {
        const larger = new Uint32Array(offsets.length * 4)
        larger.set(offsets)
        offsets = larger
      }
      offsets[++entries] = size
      index[row] = entries
    }
    if (memo !== null) {
      memo[slot] = row + 1
      if (row === MEMO_TRIAL_ROWS && hits * 8 < row) memo = null
    }
  }
  if (entries === 0) return null
  const indexes = indexesFor(entries, rows)
  indexes.set(index)
  return { type: 'json', offsets: offsets.slice(0, entries + 1), data: data.subarray(0, size), indexes }
}

function sameTuple(fragments: readonly Fragments[], one: number, other: number): boolean {
  for (let at = fragments.length - 1; at >= 0; at--) {
    const index = fragments[at].index
    if (index[one] !== index[other]) return false
  }
  return true
}

function copy(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
  if (length > COPY_LOOP_BYTES) target.set(source.subarray(from, from + length), to)
  else for (let at = 0; at < length; at++) target[to + at] = source[from + at]
}

function grown(array: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(size, array.length * 2))
  larger.set(array)
  return larger
}

function fragmentsOf(key: string, column: Column): Fragments {
  const head = encoder.encode(`,${JSON.stringify(key)}:`)
  if (isDictionary(column)) return dictionaryFragments(head, column)
  const index = new Uint32Array(column.values.length)
  const texts: string[] = []
  const seen = new Map<number | bigint, number>()
  const literal = column.type === 'double' ? doubleLiteral : column.type === 'boolean' ? booleanLiteral : String
  const words = column.type === 'long' ? wordsOf(column.values) : null
  for (let row = 0; row < index.length; row++) {
    if (column.type === 'boolean' ? column.values[row] === 2 : column.present !== null && column.present[row] === 0) {
      continue
    }
    // Small integers, by far the most, are told from their two halves without making a bigint.
    const small = words !== null && words[row * 2 + 1] === words[row * 2] >> 31
    const value = small ? words[row * 2] : column.values[row]
    const memoKey = Object.is(value, -0) ? NEGATIVE_ZERO : value
    let which = seen.get(memoKey)
    if (which === undefined) {
      texts.push(literal(value as never))
      which = texts.length
      seen.set(memoKey, which)
    }
    index[row] = which
  }
  return { ...packFragments(head, texts), index }
}

/** A key no double has: a Map takes -0 for 0. */
const NEGATIVE_ZERO = 0n

function wordsOf(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2)
}

function booleanLiteral(value: number): string {
  return value === 1 ? 'true' : 'false'
}

/** A double as JSON that reads back as a double and as the same one. */
export function doubleLiteral(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text
}

function packFragments(head: Uint8Array, texts: readonly string[]): Omit<Fragments, 'index'> {
  const offsets = new Uint32Array(texts.length + 1)
  for (let at = 0; at < texts.length; at++) offsets[at + 1] = offsets[at] + head.length + texts[at].length
  const data = new Uint8Array(offsets[texts.length])
  for (let at = 0; at < texts.length; at++) {
    data.set(head, offsets[at])
    encoder.encodeInto(texts[at], data.subarray(offsets[at] + head.length))
  }
  return { data, offsets }
}

function dictionaryFragments(head: Uint8Array, column: DictionaryColumn): Fragments {
  const count = entryCount(column)
  const offsets = new Uint32Array(count + 1)
  // Exact where nothing is escaped; an entry that needs more makes room for itself.
  let data = new Uint8Array(column.data.length + count * (head.length + 2))
  let size = 0
  for (let entry = 0; entry < count; entry++) {
    const start = column.offsets[entry]
    const end = column.offsets[entry + 1]
    const plain = column.type === 'json' || (column.type === 'text' && isPlain(column.data, start, end))
    const value = plain ? null : encoder.encode(quoted(column, entry))
    const length = value === null ? end - start : value.length
    if (size + head.length + length + 2 > data.length) data = grown(data, size + head.length + length + 2)
    copy(head, 0, head.length, data, size)
    size += head.length
    if (value !== null) {
      data.set(value, size)
      size += length
    } else {
      const quote = column.type === 'text'
      if (quote) data[size++] = QUOTE
      copy(column.data, start, length, data, size)
      size += length
      if (quote) data[size++] = QUOTE
    }
    offsets[entry + 1] = size
  }
  return { data, offsets, index: column.indexes }
}

/** True where JSON needs no escape. */
function isPlain(data: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = data[at]
    if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) return false
  }
  return true
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function quoted(column: DictionaryColumn, entry: number): string {
  const bytes = entryBytes(column, entry)
  return column.type === 'bytes' ? `"${Buffer.from(bytes).toString('base64')}"` : JSON.stringify(decoder.decode(bytes))
}

/**
 * Fragments of the objects in `rest`: their members without the braces. The few rows whose rest repeats a key they have
 * as a column get a fragment of their own.
 */
function restFragments(rest: DictionaryColumn, keys: readonly string[], columns: readonly Fragments[]): Fragments {
  const bodies: Uint8Array[] = []
  const clashes: (readonly number[])[] = []
  const columnOfKey = new Map(keys.map((key, at) => [key, at]))
  const texts: string[] = []
  for (let entry = 0; entry < entryCount(rest); entry++) {
    const text = decoder.decode(entryBytes(rest, entry)).trim()
    texts.push(text)
    bodies.push(encoder.encode(members(text)))
    clashes.push(Object.keys(JSON.parse(text)).flatMap((key) => columnOfKey.get(key) ?? []))
  }
  const index = Uint32Array.from(rest.indexes)
  for (let row = 0; row < index.length; row++) {
    const entry = index[row] - 1
    if (entry < 0) continue
    const doubled = clashes[entry].filter((at) => columns[at].index[row] !== 0)
    if (doubled.length > 0) {
      const without = new Set(doubled.map((at) => keys[at]))
      bodies.push(encoder.encode(members(withoutKeys(texts[entry], without))))
      index[row] = bodies.length
    }
    if (bodies[index[row] - 1].length === 0) index[row] = 0
  }
  const offsets = new Uint32Array(bodies.length + 1)
  bodies.forEach((body, at) => {
    offsets[at + 1] = offsets[at] + (body.length === 0 ? 0 : body.length + 1)
  })
  const data = new Uint8Array(offsets[bodies.length])
  bodies.forEach((body, at) => {
    if (body.length === 0) return
    data[offsets[at]] = COMMA
    data.set(body, offsets[at] + 1)
  })
  return { data, offsets, index }
}

function members(object: string): string {
  return object.slice(1, -1).trim()
}

/** The object's text without some of its members; the others keep their very digits, so no JSON.parse and back. */
function withoutKeys(object: string, keys: ReadonlySet<string>): string {
  const kept: string[] = []
  let depth = 0
  let start = 1
  let inText = false
  for (let at = 0; at < object.length; at++) {
    const char = object[at]
    if (inText) {
      if (char === '\\') at++
      else if (char === '"') inText = false
    } else if (char === '"') inText = true
    else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']' || (char === ',' && depth === 1)) {
      if (char !== ',') depth--
      if (depth > 1 || (depth === 1 && char !== ',')) continue
      const member = object.slice(start, at)
      start = at + 1
      if (member.trim() !== '' && !keys.has(memberKey(member))) kept.push(member)
    }
  }
  return `{${kept.join(',')}}`
}

function memberKey(member: string): string {
  const text = member.trimStart()
  let end = 1
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return JSON.parse(text.slice(0, end + 1))
}
