import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chipsOf, chipWords, differs, equals, filterOf, isExclusion, operandOf, withChip } from './chips.ts'

test('a filter is the chips that AND joins at its top', () => {
  for (const [filter, chips] of [
    ['', []],
    [" level = 'ERROR' ", ["level = 'ERROR'"]],
    ["level = 'ERROR' and name LIKE '% AND %' AND x", ["level = 'ERROR'", "name LIKE '% AND %'", 'x']],
    ["duration BETWEEN 1 AND 2 AND kind = 'log'", ['duration BETWEEN 1 AND 2', "kind = 'log'"]],
    ["(a = '1' AND b = '2') AND NOT (c = '3' OR d = '4')", ["(a = '1' AND b = '2')", "NOT (c = '3' OR d = '4')"]],
    ['"to and fro" AND x', ['"to and fro"', 'x']],
    ["a = '1' AND b = '2' OR c = '3'", ["a = '1' AND b = '2' OR c = '3'"]],
  ] as const)
    assert.deepEqual(chipsOf(filter), chips, filter)
})

test('chips joined are the filter again; one that is an OR gets its parentheses', () => {
  assert.equal(filterOf(["a = '1'", 'x']), "a = '1' AND x")
  assert.equal(filterOf(["a = '1' OR b = '2'", 'x']), "(a = '1' OR b = '2') AND x")
  assert.equal(filterOf(["a = '1' OR b = '2'"]), "a = '1' OR b = '2'")
})

test('chips that take away are told from chips that choose', () => {
  assert.deepEqual(
    ["NOT a = '1'", 'a <> 1', "a NOT LIKE '%'", "a = ' not like '", "name = '<>'", 'nothing'].map(isExclusion),
    [true, true, true, false, false, false],
  )
})

test('conditions from values', () => {
  assert.equal(equals("attributes->>'n'", 5), "attributes->>'n' = '5'")
  assert.equal(equals('duration', 5), 'duration = 5')
  assert.equal(equals('name', "it's"), "name = 'it''s'")
  assert.equal(differs('name', null), 'name IS NOT NULL')
  assert.equal(differs('name', 'x'), "(name <> 'x' OR name IS NULL)")
  assert.deepEqual(chipWords(differs('name', 'x')), { not: true, text: "name = 'x'" })
  assert.deepEqual(chipWords('NOT x'), { not: true, text: 'x' })
  assert.ok(isExclusion(differs('name', 'x')) && chipsOf(`y AND ${differs('name', 'x')}`).length === 2)
})

test('what a chip is about', () => {
  for (const [chip, operand] of [
    ["level = 'ERROR'", 'level'],
    ["NOT name LIKE 'GET %'", 'name'],
    ["attributes->'a'->>'b''c' IN ('x', 'y')", "attributes->'a'->>'b''c'"],
    ['duration >= 5', 'duration'],
    ['parent_id IS NOT NULL', 'parent_id'],
    [differs("attributes->>'k'", 'x'), "attributes->>'k'"],
    ["level = 'A' OR name = 'b'", null],
    ['"a phrase = here"', null],
    ['word', null],
  ] as const)
    assert.equal(operandOf(chip), operand, chip)
})

test('another value of the same operand takes the place of the first', () => {
  assert.deepEqual(withChip(["level = 'A'", 'x'], "level = 'B'"), ["level = 'B'", 'x'])
  assert.deepEqual(withChip(["level = 'A'"], differs('level', 'A')), [differs('level', 'A')])
  assert.deepEqual(withChip(["level = 'A'"], "level = 'A'"), ["level = 'A'"])
  assert.deepEqual(withChip([differs('level', 'A')], differs('level', 'B')).length, 2)
  assert.deepEqual(withChip(["level='A'"], "level = 'A'"), ["level='A'"])
  assert.deepEqual(withChip(["level='A  '"], "level = 'A'"), ["level = 'A'"])
  assert.deepEqual(withChip(["level_x = 'A'"], "level = 'B'").length, 2)
})
