import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { otelLogsAndSpans, otelMetrics } from '../tables/tables.ts'
import { FilterError } from './filter.ts'
import { parseFilter } from './parser.ts'
import { MAX_FILTER_CHARACTERS } from './tokens.ts'
import { toWhere } from './where.ts'

const where = (text: string) => toWhere(parseFilter(text, otelLogsAndSpans)!)

describe('a filter', () => {
  for (const [text, sql] of [
    ["level = 'ERROR'", `"level" = 'ERROR'`],
    ["LEVEL != 'it''s'", `"level" <> 'it''s'`],
    ["not level='a' or level='b' and level='c'", `(NOT ("level" = 'a')) OR (("level" = 'b') AND ("level" = 'c'))`],
    ["(level='a' or level='b') level='c'", `(("level" = 'a') OR ("level" = 'b')) AND ("level" = 'c')`],
    ['duration between -1 and +20', `("duration" >= CAST('-1' AS bigint)) AND ("duration" <= CAST('20' AS bigint))`],
    ['duration not in (1, 2)', `NOT ("duration" IN (CAST('1' AS bigint), CAST('2' AS bigint)))`],
    ['name is not null', `NOT ("name" IS NULL)`],
    ["name like 'a\\%%'", `"name" LIKE 'a\\%%' ESCAPE '\\'`],
    ["name !~ '^a'", `NOT (regexp_matches("name", '^a'))`],
    ["attributes->'a'->2->>'c d' = 'x'", `(attributes->'a'->2->>'c d') = 'x'`],
    ["timestamp >= '2026-11-22 12:00+02'", `"timestamp" >= CAST('2026-11-22T10:00:00.000000Z' AS timestamptz)`],
    ["date = '2026-11-22'", `"date" = CAST('2026-11-22' AS date)`],
    ['context___is_remote', `"context___is_remote" = true`],
    ["'err:1' = any(hashes)", `'err:1' = ANY("hashes")`],
  ] as const) {
    it(text, () => assert.equal(where(text), sql))
  }

  it('of nothing passes everything', () => assert.equal(parseFilter(' \n', otelLogsAndSpans), null))

  it('takes words, numbers and phrases for text to search', () => {
    const found = parseFilter('timeout "card ""x"" declined" 502 a-b.c', otelLogsAndSpans)
    assert.equal(found?.kind, 'and')
    const phrases = found.terms.map((term) => (term.kind === 'text' ? term.phrase : assert.fail()))
    assert.deepEqual(phrases, ['timeout', 'card "x" declined', '502', 'a-b.c'])
  })

  it('is of one table', () => {
    assert.equal(toWhere(parseFilter('value > 1e3', otelMetrics)!), `"value" > CAST('1000' AS double precision)`)
    assert.throws(() => parseFilter('value > 1', otelLogsAndSpans), /otel_logs_and_spans has no column value, at 1$/)
  })
})

describe('what is no filter is refused with the place and what belongs there', () => {
  const deep = `${'('.repeat(101)}x${')'.repeat(101)}`
  for (const [text, message] of [
    ['level =', 'expected a value after =, not the end, at 8'],
    ['level = ERROR', "level is text: expected text in single quotes, like 'ERROR', not ERROR, at 9"],
    ['level = "ERROR"', `level is text: expected text in single quotes, like 'ERROR', not "ERROR", at 9`],
    ["duration > '5'", "duration is bigint: expected a whole number, not '5', at 12"],
    ['duration > 1.5', 'duration is bigint: expected a whole number, not 1.5, at 12'],
    ['duration > 9223372036854775808', 'duration is bigint: expected a whole number, not 9223372036854775808, at 12'],
    ['level = null', 'nothing is equal to NULL: write level IS NULL, at 9'],
    [
      "timestamp > '2026-02-30'",
      "timestamp is timestamptz: expected a time like '2026-11-22T10:00:00Z', not '2026-02-30', at 13",
    ],
    ['colour = 1', 'otel_logs_and_spans has no column colour, at 1'],
    ["a and colour like 'x'", 'otel_logs_and_spans has no column colour, at 7'],
    ['level', 'expected an operator after level (to search for a word, put it in double quotes), not the end, at 6'],
    ["level = 'a' and", 'expected a column, a word or a phrase, not the end, at 16'],
    ["(level = 'a'", 'expected ), not the end, at 13'],
    ["level = 'a')", 'expected AND, OR or the end, not ), at 12'],
    ["level = 'a", "the ' is never closed, at 9"],
    ['service:cart', 'unexpected :: put text to search for in double quotes, at 8'],
    ['""', '"" is empty, at 1'],
    ["body = 'x'", "body is json: take a text out of it with ->>'key', or use LIKE, at 6"],
    ['attributes is null', "name a key of it: attributes->>'key', at 12"],
    ["attributes->'a' = 'x'", 'expected ->> and a key: the last step must give text, not =, at 17'],
    ["attributes->>0 = 'x'", 'expected a key in quotes, not 0, at 14'],
    ["level->>'a' = 'x'", 'level is text, not json, at 6'],
    ["attributes->>'a' > 5", "attributes->>'a' is text: expected text in single quotes, like 'ERROR', not 5, at 20"],
    ["severity->>'x' = 'y'", 'severity is put together from other columns: filter on those, at 1'],
    ["hashes = 'x'", "hashes is a list: write 'value' = ANY(hashes), at 8"],
    ["'x' = ANY(level)", 'expected a column that is a list of texts, like hashes, not level, at 11'],
    ["duration like '1'", 'duration is bigint: like is for texts, at 10'],
    ["name like 'a\\'", 'a LIKE pattern cannot end in \\, at 11'],
    ["name ~ '('", 'missing closing ): `(`, at 8'],
    ["name ~ '(?P<n>a)'", 'groups cannot be named here: leave out the name, at 8'],
    ["name ~ '((a{30}){30}){30}'", 'invalid repeat count: `{30}`, at 8'],
    ["name ~ '(abcdefghij){900}'", 'the regular expression is too large, at 8'],
    [deep, 'nested over 100 deep, at 101'],
    ['a\0', 'a filter cannot hold a NUL character, at 2'],
  ] as const) {
    it(text.slice(0, 60), () => {
      assert.throws(
        () => parseFilter(text, otelLogsAndSpans),
        (error: unknown) => {
          assert.ok(error instanceof FilterError)
          assert.equal(error.message, message)
          assert.ok(error.message.endsWith(`at ${error.position}`))
          return true
        },
      )
    })
  }

  it('and so is a text over the bound; one at the bound is read', () => {
    const phrase = `"${'x'.repeat(MAX_FILTER_CHARACTERS - 2)}"`
    assert.equal(parseFilter(phrase, otelLogsAndSpans)?.kind, 'text')
    assert.throws(() => parseFilter(`${phrase} `, otelLogsAndSpans), /at most 8192 characters/)
  })
})
