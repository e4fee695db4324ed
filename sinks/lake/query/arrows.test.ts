import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { replaceArrows } from './arrows.ts'

describe('JSON arrows', () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a->'b'->>'c'", "a~>'b'~>>'c'"],
    ['a -> 0', 'a ~> 0'],
    ['a->-1', 'a~>-1'],
    ['a->>-1', 'a~>>-1'],
    ['a->$1', 'a~>$1'],
    ["a->('b' || 'c')", "a~>('b' || 'c')"],
    ['a->>key', 'a~>>key'],
    ["a -> /* the key */ 'b'", "a ~> /* the key */ 'b'"],
    ["a->E'b'", "a~>E'b'"],
    // A lambda's arrow, and arrows that are no operators.
    ['list_transform(l, x -> x + 1)', 'list_transform(l, x -> x + 1)'],
    ['\'->\' || "->" || $$->$$ || $t$->$t$', '\'->\' || "->" || $$->$$ || $t$->$t$'],
    ["'it''s->' -> 'b'", "'it''s->' ~> 'b'"],
    ["E'\\'->' -> 'b'", "E'\\'->' ~> 'b'"],
    ["1 -- ->'a'\n->'b'", "1 -- ->'a'\n~>'b'"],
    ["/* -> /* ->'a' */ ->'a' */ a->'b'", "/* -> /* ->'a' */ ->'a' */ a~>'b'"],
    ["a <-> 'b'", "a <-> 'b'"],
    ["'open ->'", "'open ->'"],
    ["'never closed -> ", "'never closed -> "],
  ]
  for (const [sql, expected] of cases) it(sql, () => assert.equal(replaceArrows(sql), expected))

  it('keeps every other character and every position', () => {
    const pieces = fc.constantFrom(
      "'",
      '"',
      '->',
      '->>',
      '-',
      '>',
      '/*',
      '*/',
      '--',
      '\n',
      '$',
      '$$',
      'a',
      'E',
      '1',
      ' ',
      '\\',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const sql = parts.join('')
        const replaced = replaceArrows(sql)
        assert.equal(replaced.length, sql.length)
        assert.equal(replaced.replaceAll('~>', '->').replaceAll('~', '-'), sql)
      }),
    )
  })
})
