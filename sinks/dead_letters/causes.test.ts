import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { causesOf, identityOf, maskNumbers } from './causes.ts'

const TOPIC = 'telemetry.raw.v1'

function dead(details: readonly string[], more: Parameters<typeof batchOf>[1] = {}): Batch {
  return batchOf(7, {
    'dead_letter.code': ['text', details.map(() => 'malformed')],
    'dead_letter.detail': ['text', details],
    'dead_letter.stage': ['text', details.map(() => 'normalize')],
    ...more,
  })
}

describe('numbers in a detail', () => {
  for (const [detail, masked] of [
    ['127 bytes at 2, where 0 are left', '# bytes at #, where # are left'],
    ['order.total is -1.5e10', 'order.total is -#'],
    ['0x7f of 5eed0000-0000-4000-8000-000000000000', '# of #'],
    ['column x1 of v2', 'column x1 of v2'],
    ['\ud800', '\ufffd'],
  ] as const) {
    it(detail, () => assert.equal(maskNumbers(detail), masked))
  }
})

describe('causes', () => {
  it('are told apart by detail, whatever its numbers', () => {
    const causes = causesOf(TOPIC, dead(['1 byte', 'no', '20 byte']))
    assert.deepEqual(
      causes.map(({ detail, example, rows }) => [detail, example, rows]),
      [
        ['# byte', '1 byte', [0, 2]],
        ['no', 'no', [1]],
      ],
    )
    assert.notEqual(causesOf('other.topic.v1', dead(['no']))[0].cause, causes[1].cause)
  })

  it('are at most 32 of their own and one for the rest, which has every row once', () => {
    const causes = causesOf(TOPIC, dead(Array.from({ length: 100 }, (_, at) => `d${at}`)))
    assert.equal(causes.length, 33)
    assert.equal(causes[32].detail, '(other details)')
    assert.deepEqual(
      causes.flatMap(({ rows }) => rows),
      Array.from({ length: 100 }, (_, row) => row),
    )
  })

  it('name services, eight at most, and nothing PostgreSQL refuses', () => {
    const names = Array.from({ length: 20 }, (_, at) => `s${at}\0`)
    const [{ services }] = causesOf(
      TOPIC,
      dead(
        names.map(() => 'no'),
        { resource___service___name: ['text', names] },
      ),
    )
    assert.deepEqual([services.length, services[0]], [8, 's0\ufffd'])
  })
})

it('two copies of a record are known by origin and stage', () => {
  assert.equal(identityOf(dead(['no'])), identityOf(dead(['another detail'])))
  assert.notEqual(identityOf(dead(['no'])), identityOf(batchOf(7, { 'dead_letter.stage': ['text', ['lake']] })))
})
