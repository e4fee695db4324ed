import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cpuMs } from '#pipeline/testing/figures.ts'
import { foldCase } from './fold.ts'
import { compilePattern } from './patterns.ts'

const matches = (matcher: 'like' | 'ilike' | 'regex', pattern: string, text: string) => {
  const { test, folded } = compilePattern(matcher, pattern)
  return test(folded ? foldCase(text) : text)
}

describe('LIKE', () => {
  for (const [pattern, yes, no] of [
    ['abc', ['abc'], ['abcd', 'xabc', 'ABC', '']],
    ['', [''], ['a']],
    ['%', ['', 'a', 'a\nb'], []],
    ['a%', ['a', 'ab'], ['ba']],
    ['%a', ['a', 'ba', 'aa'], ['ab']],
    ['a%a', ['aa', 'aba'], ['a', 'ab']],
    ['%ab%ab%', ['abab', 'xabyabz'], ['ab', 'aba']],
    ['%_b%', ['ab', 'xaby', 'bb'], ['b', 'ba']],
    ['_', ['a', '😀', '\n'], ['', 'ab', 'e\u0301']],
    ['a\\%\\_\\\\', ['a%_\\'], ['a%x\\', 'ab_\\']],
  ] as const) {
    it(pattern === '' ? 'the empty pattern' : pattern, () => {
      for (const text of yes) assert.ok(matches('like', pattern, text), JSON.stringify(text))
      for (const text of no) assert.ok(!matches('like', pattern, text), JSON.stringify(text))
    })
  }
})

describe('patterns from outside', () => {
  for (const [matcher, pattern] of [
    ['like', `${'%a'.repeat(30)}%b`],
    ['ilike', `${'%_a'.repeat(30)}%b`],
    ['regex', '(a+)+$'],
    ['regex', '(a|a)*b$'],
  ] as const) {
    it(`take linear time: ${matcher} ${pattern.slice(0, 12)}`, () => {
      const took = cpuMs(() => assert.ok(!matches(matcher, pattern, `${'a'.repeat(50_000)}c`)))
      assert.ok(took < 2_000, `${took} ms`)
    })
  }
})

describe('folding case', () => {
  // ECMAScript's `iu` is simple case folding by definition, so the engine is the oracle, for every character there is.
  it('makes the same of exactly the characters that are the same but for case', () => {
    const groups = new Map<string, string[]>()
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const character = String.fromCodePoint(code)
      const folded = foldCase(character)
      assert.equal([...folded].length, 1)
      const group = groups.get(folded)
      if (group === undefined) groups.set(folded, [character])
      else group.push(character)
    }
    const escaped = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`
    for (const group of groups.values()) {
      if (group.length === 1) continue
      const all = new RegExp(`^${escaped(group[0])}+$`, 'iu')
      assert.match(group.join(''), all)
    }
    // Whatever the engine takes for the same as one of these must have been put with it.
    const everything = [...groups.keys()].join('')
    for (const [folded, group] of groups) {
      if (group.length > 1) assert.deepEqual(everything.match(new RegExp(escaped(folded), 'giu')), [folded])
    }
    assert.deepEqual(groups.get('s'), ['S', 's', 'ſ'])
    assert.deepEqual(groups.get('i'), ['I', 'i'])
  })
})
