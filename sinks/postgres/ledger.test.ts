import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { batchOf } from '#pipeline/testing/samples.ts'
import { ledger } from './ledger.ts'

const storable = (events: number) => ({ timestamp: ['long', new Array(events).fill(1n)] }) as const

describe('the ledger', () => {
  it('says what became of the events of a batch, on the day it was received', () => {
    const outcomes = new Map([
      ['dropped:refused', 3],
      ['dead_letter:malformed', 1],
    ])
    const rows = [...ledger.rows(batchOf(86_400, storable(2), { outcomes }))]
    assert.deepEqual(
      rows.map(({ outcome, events }) => [outcome, events]),
      [
        ['received', 6],
        ['stored', 2],
        ['dropped:refused', 3],
        ['dead_letter:malformed', 1],
      ],
    )
    for (const row of rows) assert.deepEqual([row.project_id, row.signal, row.day], ['project', 'logs', '2026-01-02'])
  })

  it('has no line for a batch in which nothing was', () => {
    assert.deepEqual([...ledger.rows(batchOf(0))], [])
  })

  it('counts as dead-lettered what the lake puts aside', () => {
    const rows = [...ledger.rows(batchOf(0, { level: ['long', [1n, 2n]], ...storable(2) }))]
    assert.deepEqual(
      rows.map(({ outcome, events }) => [outcome, events]),
      [
        ['received', 2],
        ['dead_letter:sink_refused', 2],
      ],
    )
  })

  it('takes dead letters back that were treated again, without having received them twice', () => {
    const outcomes = new Map([['dead_letter:malformed', -3]])
    const rows = [...ledger.rows(batchOf(0, storable(3), { outcomes }))]
    assert.deepEqual(
      rows.map(({ outcome, events }) => [outcome, events]),
      [
        ['stored', 3],
        ['dead_letter:malformed', -3],
      ],
    )
  })

  it('balances for every batch', () => {
    const outcome = fc.constantFrom(
      'dropped:refused',
      'dropped:duplicate_export',
      'dead_letter:malformed',
      'dropped:mine',
    )
    fc.assert(
      fc.property(fc.nat({ max: 9 }), fc.dictionary(outcome, fc.nat({ max: 9 })), (events, outcomes) => {
        const rows = [...ledger.rows(batchOf(0, storable(events), { outcomes: new Map(Object.entries(outcomes)) }))]
        const balance = rows.reduce(
          (sum, { outcome, events }) => sum + (outcome === 'received' ? (events as number) : -(events as number)),
          0,
        )
        assert.equal(balance, 0)
      }),
    )
  })
})
