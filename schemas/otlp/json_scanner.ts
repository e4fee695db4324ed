/** JSON (RFC 8259) read from its bytes, token by token, without building values. */
import { MalformedError } from './messages.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const MAX_SKIPPED_DEPTH = 256
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

const ESCAPES = new Uint8Array(128)
for (const [letter, byte] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  ESCAPES[letter.charCodeAt(0)] = byte.charCodeAt(0)
}

export const NO_DIGIT = 255
/** The value of a hexadecimal digit, by its byte. */
export const HEX_DIGITS = new Uint8Array(256).fill(NO_DIGIT)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  HEX_DIGITS[digit.charCodeAt(0)] = HEX_DIGITS[digit.toUpperCase().charCodeAt(0)] = value
}

/** 0 for bytes that cannot be part of a number. */
const NUMBER_BYTES = new Uint8Array(256)
for (const letter of '+-.0123456789eE') NUMBER_BYTES[letter.charCodeAt(0)] = 1

export class JsonScanner {
  readonly #source: Uint8Array
  /** Where reading goes on. */
  at = 0
  /**
   * The token read last by {@link string} or {@link scalar}: bytes `start` to `end` of `text`, unescaped. `text` is
   * the source itself unless there were escapes; valid until the next token.
   */
  text: Uint8Array
  start = 0
  end = 0
  /** Where that token stands in the source, without its quotes. */
  sourceStart = 0
  sourceEnd = 0
  #unescaped = new Uint8Array(256)

  constructor(source: Uint8Array) {
    this.#source = source
    this.text = source
  }

  fail(message: string, at = this.at): never {
    throw new MalformedError(message, at)
  }

  /** The next byte that is no white space, not taken; -1 at the end. */
  peek(): number {
    const source = this.#source
    let at = this.at
    while (at < source.length) {
      const byte = source[at]
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at
        return byte
      }
      at++
    }
    this.at = at
    return -1
  }

  /** Takes `character` if it is next. */
  take(character: number): boolean {
    if (this.peek() !== character) return false
    this.at++
    return true
  }

  expect(character: number): void {
    if (!this.take(character)) this.fail(`expected ${String.fromCharCode(character)}`)
  }

  /** Takes `null` if it is next. */
  takeNull(): boolean {
    if (this.peek() !== 0x6e) return false
    this.#literal('null')
    return true
  }

  boolean(): boolean {
    const next = this.peek()
    if (next !== 0x74 && next !== 0x66) this.fail('expected true or false')
    this.#literal(next === 0x74 ? 'true' : 'false')
    return next === 0x74
  }

  /** Takes a string; its content is then `text[start..end)`. */
  string(): void {
    if (this.peek() !== QUOTE) this.fail('expected a string')
    const source = this.#source
    const start = this.at + 1
    let at = start
    for (;;) {
      const byte = source[at]
      if (byte === QUOTE) break
      if (byte === BACKSLASH) {
        this.#escaped(start, at)
        return
      }
      // `!(… >= …)` is also true past the end, where `byte` is undefined.
      if (!(byte >= 0x20)) this.#badStringByte(at)
      at++
    }
    this.text = source
    this.start = this.sourceStart = start
    this.end = this.sourceEnd = at
    this.at = at + 1
  }

  /** Takes a number, or a string that holds one (or something like one: the caller looks). True for a string. */
  scalar(): boolean {
    if (this.peek() === QUOTE) {
      this.string()
      return true
    }
    const source = this.#source
    const start = this.at
    let at = start
    while (at < source.length && NUMBER_BYTES[source[at]] === 1) at++
    this.text = source
    this.start = this.sourceStart = start
    this.end = this.sourceEnd = at
    this.at = at
    if (at === start) this.fail('expected a number')
    return false
  }

  /** The token as a string of one character a byte: for numbers, names and the like. */
  latin1(): string {
    return Buffer.from(this.text.buffer, this.text.byteOffset, this.text.length).toString(
      'latin1',
      this.start,
      this.end,
    )
  }

  /** The token, checked to be a number by JSON's grammar. */
  number(): string {
    const text = this.latin1()
    if (!NUMBER.test(text)) this.fail(`${JSON.stringify(text.slice(0, 40))} is not a number`, this.sourceStart)
    return text
  }

  /** Takes any value and forgets it. */
  skip(depth = 0): void {
    if (depth > MAX_SKIPPED_DEPTH) this.fail('nested too deep')
    switch (this.peek()) {
      case QUOTE:
        this.string()
        return
      case OPEN_OBJECT:
        this.members(() => this.skip(depth + 1))
        return
      case OPEN_ARRAY:
        this.elements(() => this.skip(depth + 1))
        return
      case 0x74:
      case 0x66:
        this.boolean()
        return
      case 0x6e:
        this.#literal('null')
        return
      default:
        this.scalar()
        this.number()
    }
  }

  /** Takes an object. `member` is called before each value, the name being the token read last, and takes the value. */
  members(member: () => void): void {
    this.expect(OPEN_OBJECT)
    if (this.take(CLOSE_OBJECT)) return
    do {
      this.string()
      this.expect(COLON)
      member()
    } while (this.take(COMMA))
    this.expect(CLOSE_OBJECT)
  }

  /** Takes an array. `element` is called before each value and takes it. */
  elements(element: () => void): void {
    this.expect(OPEN_ARRAY)
    if (this.take(CLOSE_ARRAY)) return
    do element()
    while (this.take(COMMA))
    this.expect(CLOSE_ARRAY)
  }

  #literal(word: string): void {
    for (let index = 0; index < word.length; index++) {
      if (this.#source[this.at + index] !== word.charCodeAt(index)) this.fail(`expected ${word}`)
    }
    this.at += word.length
  }

  #badStringByte(at: number): never {
    if (at >= this.#source.length) this.fail('a string that does not end', at)
    this.fail('a control character in a string', at)
  }

  /** Reads on from the first backslash of a string, at `at`, into `#unescaped`. */
  #escaped(start: number, at: number): void {
    const source = this.#source
    let close = at
    while (close < source.length && source[close] !== QUOTE) close += source[close] === BACKSLASH ? 2 : 1
    // Unescaped, a string is never longer.
    if (this.#unescaped.length < close - start) this.#unescaped = new Uint8Array((close - start) * 2)
    const target = this.#unescaped
    target.set(source.subarray(start, at))
    let to = at - start
    for (;;) {
      const byte = source[at]
      if (byte === QUOTE) break
      if (!(byte >= 0x20)) this.#badStringByte(at)
      if (byte !== BACKSLASH) {
        target[to++] = byte
        at++
      } else if (source[at + 1] === 0x75) {
        let code = this.#hex4(at + 2)
        at += 6
        if ((code & 0xfc00) === 0xd800 && source[at] === BACKSLASH && source[at + 1] === 0x75) {
          const low = this.#hex4(at + 2)
          if ((low & 0xfc00) === 0xdc00) {
            code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
            at += 6
          }
        }
        to = writeUtf8(target, to, code)
      } else {
        const character = ESCAPES[source[at + 1] & 127]
        if (character === 0 || source[at + 1] > 127) this.fail('an escape JSON does not have', at)
        target[to++] = character
        at += 2
      }
    }
    this.text = target
    this.start = 0
    this.end = to
    this.sourceStart = start
    this.sourceEnd = at
    this.at = at + 1
  }

  #hex4(at: number): number {
    let code = 0
    for (let digit = at; digit < at + 4; digit++) {
      const value = digit < this.#source.length ? HEX_DIGITS[this.#source[digit]] : NO_DIGIT
      if (value === NO_DIGIT) this.fail('\\u without four hexadecimal digits', at - 2)
      code = code * 16 + value
    }
    return code
  }
}

/** Half of a surrogate pair has no UTF-8: it becomes U+FFFD. */
function writeUtf8(target: Uint8Array, at: number, code: number): number {
  const point = (code & 0xf800) === 0xd800 && code < 0x10000 ? 0xfffd : code
  if (point < 0x80) target[at++] = point
  else if (point < 0x800) {
    target[at++] = 0xc0 | (point >> 6)
    target[at++] = 0x80 | (point & 63)
  } else {
    if (point < 0x10000) target[at++] = 0xe0 | (point >> 12)
    else {
      target[at++] = 0xf0 | (point >> 18)
      target[at++] = 0x80 | ((point >> 12) & 63)
    }
    target[at++] = 0x80 | ((point >> 6) & 63)
    target[at++] = 0x80 | (point & 63)
  }
  return at
}
