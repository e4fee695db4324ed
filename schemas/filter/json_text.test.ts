import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { textAt } from './json_text.ts'

const JSON_TEXT =
  ' { "a" : { "b" : [ 1 , {"c":"x\\n"} , null ] } , "a" : 2, "k\\"}":[], "d":-0, "e":1.50, "f":1E2, "" : "empty" } '

describe('the text at a path in JSON', () => {
  for (const [path, text] of [
    [['a', 'b', 0], '1'],
    [['a', 'b', '0'], '1'],
    [['a', 'b', 1, 'c'], 'x\n'],
    [['a', 'b', 2], null],
    [['a', 'b', 3], null],
    [['a', 'b', '01'], null],
    [['a', 0], null],
    [['a'], '{"b":[1,{"c":"x\\n"},null]}'],
    [['a', 'b', 'c'], null],
    [['k"}'], '[]'],
    [['d'], '0'],
    [['e'], '1.5'],
    [['f'], '100.0'],
    [[''], 'empty'],
    [['e', 'x'], null],
  ] as const) {
    it(JSON.stringify(path), () => assert.equal(textAt(JSON_TEXT, path), text))
  }

  it('is what JSON.parse finds there', () => {
    const key = fc.constantFrom('a', 'b', '"', '\\', '', ',}')
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.array(key, { maxLength: 3 }),
        fc.constantFrom(0, 1, 2),
        (value, path, indent) => {
          const rooted = path.reduceRight<unknown>(
            (inner, name) => ({ other: [1, { a: '}' }], [name]: inner, z: 1 }),
            value,
          )
          const text = textAt(JSON.stringify(rooted, null, indent), path)
          if (value === null) assert.equal(text, null)
          else if (typeof value === 'string') assert.equal(text, value)
          else assert.deepEqual(JSON.parse(text!), JSON.parse(JSON.stringify(value)))
        },
      ),
    )
  })
})
