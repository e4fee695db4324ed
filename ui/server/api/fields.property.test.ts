import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { idempotencyKey } from '../directory/idempotency.ts'
import { email, page, projectName, readCursor, text } from './fields.ts'
import { ApiError } from './problem.ts'

const badRequest = (error: unknown) => error instanceof ApiError && error.status === 400

describe('cursors', () => {
  it('begin the next page just after the last row', () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1 }).map((list) => list.sort())
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 10 }), (rows, limit) => {
        const seen: string[] = []
        for (let cursor: string | undefined; ; ) {
          const after = readCursor(cursor, z.string())
          const rest = rows.filter((row) => after === undefined || row > after)
          const { items, next } = page(rest.slice(0, limit + 1), limit, (row) => row)
          seen.push(...items)
          if (next === null) break
          cursor = next
        }
        assert.deepEqual(seen, rows)
      }),
    )
  })

  it('are ours or refused', () => {
    const schema = z.strictObject({ kind: z.enum(['user', 'team']), name: text(20) })
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    )
    fc.assert(
      fc.property(texts, (cursor) => {
        try {
          schema.parse(readCursor(cursor, schema))
        } catch (error) {
          assert.ok(badRequest(error))
        }
      }),
    )
    for (const hostile of ['', '…', 'bnVsbA', Buffer.from('"\\u0000"').toString('base64url')])
      assert.throws(() => readCursor(hostile, text(10)), badRequest, hostile)
  })
})

describe('idempotency keys', () => {
  it('are visible ASCII, or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (header) => {
        const isFit = header.length >= 1 && header.length <= 255 && [...header].every((c) => c > ' ' && c <= '~')
        if (isFit) assert.equal(idempotencyKey(header), header)
        else assert.throws(() => idempotencyKey(header), badRequest)
      }),
    )
    assert.equal(idempotencyKey(undefined), null)
    assert.throws(() => idempotencyKey(['a', 'b']), badRequest)
  })
})

describe('fields', () => {
  it('take nothing that PostgreSQL refuses or a terminal obeys', () => {
    for (const bad of ['a\0b', '\u001b[31m', 'a\nb', 'a\u0085b']) assert.ok(!text(100).safeParse(bad).success)
    assert.ok(text(100).safeParse('Ünïcode – fine 👍').success)
    for (const bad of ['', 'A', '-a', 'a b', 'a'.repeat(64), 'a\n']) assert.ok(!projectName.safeParse(bad).success, bad)
  })

  it('take addresses in lower case', () => {
    assert.equal(email.parse('Ada@Example.COM'), 'ada@example.com')
    for (const bad of ['ada', 'a@b', 'a b@example.com', `${'a'.repeat(250)}@example.com`, 'a\0@example.com'])
      assert.ok(!email.safeParse(bad).success, bad)
  })
})
