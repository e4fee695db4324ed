/**
 * The pattern of a text: what stays the same when the same statement is written again with other values.
 *
 * Works on bytes, in one pass: a word (a run of letters, digits, `_ - . : @` and all that is not ASCII) with a digit in it
 * becomes `*`, and so does what stands between escaped double quotes or between single quotes; everything else stays.
 * Numbers, times, addresses, UUIDs and hex ids all have digits. What the text says beyond the limit does not count.
 */
/** Bytes of a text that count. */
const LIMIT_BYTES = 2048
/** A quoted part is at most this long: an apostrophe must not swallow half a text. */
const QUOTED_LIMIT_BYTES = 256

const STAR = 0x2a
const BACKSLASH = 0x5c
const DOUBLE_QUOTE = 0x22
const SINGLE_QUOTE = 0x27

const OTHER = 0
const WORD = 1
const DIGIT = 2
const CLASSES = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) {
  const character = String.fromCharCode(byte)
  if (/[0-9]/.test(character)) CLASSES[byte] = DIGIT
  else if (/[A-Za-z_\-.:@]/.test(character) || byte > 127) CLASSES[byte] = WORD
}

export class PatternWriter {
  /** The pattern written last is `bytes[0..size)`. */
  readonly bytes = new Uint8Array(LIMIT_BYTES)
  size = 0

  /** Writes the pattern of `source[start..end)`, text as it stands in JSON. */
  write(source: Uint8Array, start: number, end: number): void {
    const stop = Math.min(end, start + LIMIT_BYTES)
    const bytes = this.bytes
    let size = 0
    /** Where the word being read begins in the pattern; -1 between words. */
    let word = -1
    let hasDigit = false
    for (let at = start; at < stop; at++) {
      const byte = source[at]
      const kind = CLASSES[byte]
      if (kind !== OTHER) {
        if (word < 0) word = size
        if (kind === DIGIT) hasDigit = true
        bytes[size++] = byte
        continue
      }
      if (hasDigit) {
        bytes[word] = STAR
        size = word + 1
        hasDigit = false
      }
      word = -1
      const quotedEnd = byte === BACKSLASH || byte === SINGLE_QUOTE ? endOfQuoted(source, start, at, stop) : at
      bytes[size++] = quotedEnd > at ? STAR : byte
      if (quotedEnd > at) at = quotedEnd - 1
    }
    if (hasDigit) {
      bytes[word] = STAR
      size = word + 1
    }
    this.size = size
  }
}

/** The end of the quoted part that begins at `at`, quotes included; `at` where none does. */
function endOfQuoted(source: Uint8Array, start: number, at: number, stop: number): number {
  const last = Math.min(stop, at + QUOTED_LIMIT_BYTES)
  if (source[at] === BACKSLASH && source[at + 1] === DOUBLE_QUOTE) {
    for (let to = at + 2; to + 1 < last; to++) {
      if (source[to] !== BACKSLASH) continue
      if (source[to + 1] === DOUBLE_QUOTE) return to + 2
      // A backslash and a quote in the text are a quote within the part, and four bytes here.
      const isInnerQuote =
        source[to + 1] === BACKSLASH && source[to + 2] === BACKSLASH && source[to + 3] === DOUBLE_QUOTE
      to += isInnerQuote ? 3 : 1
    }
  }
  if (source[at] === SINGLE_QUOTE && (at === start || CLASSES[source[at - 1]] === OTHER)) {
    for (let to = at + 1; to < last; to++) {
      // An apostrophe within a word (don't) does not end the part.
      if (source[to] === SINGLE_QUOTE && (to + 1 >= stop || CLASSES[source[to + 1]] === OTHER)) return to + 1
    }
  }
  return at
}
