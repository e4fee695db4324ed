import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type OperatorFunction, of, pipe } from 'rxjs'
import { z } from 'zod'
import type { Batch } from '../batch/batch.ts'
import { type Column, columnOf, type DictionaryColumn, mapEntries, valueAt } from '../batch/column.ts'
import { InvariantError } from '../errors/errors.ts'
import { StageTestDriver } from '../testing/driver.ts'
import { batchOf, batchTopic } from '../testing/samples.ts'
import { deadLetter, drop, keep, mapBatch, mapColumn, mapEvents } from './operators.ts'
import { deadLetterTopic, defineStage } from './stage.ts'
import { jsonState, withTimers } from './stateful.ts'
import { defineTopic } from './topic.ts'

function run(operators: OperatorFunction<Batch, Batch>, batch: Batch): Batch {
  let out: Batch | undefined
  of(batch)
    .pipe(operators)
    .subscribe((result) => (out = result))
  return out!
}

const values = (column: Column | undefined, rows: number) =>
  Array.from({ length: rows }, (_, row) => (column === undefined ? null : valueAt(column, row)))

describe('mapColumn', () => {
  const upper = mapColumn('name', (column) => mapEntries(column as DictionaryColumn, (text) => text.toUpperCase()))

  it('changes the dictionary, and with it every row', () => {
    const out = run(upper, batchOf(0, { name: ['text', ['a', null, 'b', 'a']] }))
    assert.deepEqual(values(out.columns.get('name'), 4), ['A', null, 'B', 'A'])
  })

  it('leaves a batch without the column alone', () => {
    const batch = batchOf(0, { other: ['text', ['a']] })
    assert.equal(run(upper, batch), batch)
  })

  it('takes a column away', () => {
    assert.equal(
      run(
        mapColumn('name', () => null),
        batchOf(0, { name: ['text', ['a']] }),
      ).columns.size,
      0,
    )
  })

  it('combines with the other rungs', () => {
    const both = pipe(
      upper,
      mapEvents((event) => (event.get('name') === 'A' ? drop('a') : keep())),
    )
    const out = run(both, batchOf(0, { name: ['text', ['a', 'b']] }))
    assert.deepEqual(values(out.columns.get('name'), 1), ['B'])
  })
})

describe('mapEvents', () => {
  it('puts a batch aside where a value does not fit its column, and says which', () => {
    for (const [type, before, value, message] of [
      ['text', 'INFO', 3n, 'column x is text; it cannot be set to a long'],
      ['long', 1n, 0.5, 'column x is long; it cannot be set to a double'],
      ['boolean', true, 'no', 'column x is boolean; it cannot be set to a text'],
    ] as const) {
      const out = run(
        mapEvents(() => keep({ x: value })),
        batchOf(0, { x: [type, [before]] }),
      )
      assert.equal(out.eventCount, 0)
      assert.deepEqual(values(out.deadLetters!.columns.get('dead_letter.detail'), 1), [message])
    }
  })

  it('sets columns: new ones with the type of the value, old ones with theirs', () => {
    const out = run(
      mapEvents((event) => (event.row === 1 ? keep({ n: 7n, flag: true, ratio: 0.5, note: 'x' }) : keep())),
      batchOf(0, { n: ['long', [1n, 2n]] }),
    )
    assert.deepEqual(values(out.columns.get('n'), 2), [1n, 7n])
    assert.deepEqual(values(out.columns.get('flag'), 2), [null, true])
    assert.deepEqual(values(out.columns.get('ratio'), 2), [null, 0.5])
    assert.deepEqual(values(out.columns.get('note'), 2), [null, 'x'])
  })

  it('keeps dead letters of two operators in one stage apart from the events', () => {
    const refuse = (name: string) =>
      mapEvents((event) => (event.get('name') === name ? deadLetter(`no_${name}`) : keep()))
    const out = run(pipe(refuse('a'), refuse('b')), batchOf(0, { name: ['text', ['a', 'b', 'c']] }))
    assert.deepEqual(values(out.columns.get('name'), 1), ['c'])
    assert.deepEqual(values(out.deadLetters!.columns.get('dead_letter.code'), 2), ['no_a', 'no_b'])
    assert.deepEqual(values(out.deadLetters!.columns.get('position'), 2), [0n, 1n])
    assert.deepEqual(Object.fromEntries(out.outcomes), { 'dead_letter:no_a': 1, 'dead_letter:no_b': 1 })
  })
})

describe('mapBatch', () => {
  it('makes dead letters of a batch whose treatment throws, and goes on', () => {
    const out = run(
      mapBatch(() => {
        throw new Error('what is this?')
      }),
      batchOf(0, { name: ['text', ['a', 'b']] }),
    )
    assert.equal(out.eventCount, 0)
    assert.equal(out.deadLetters!.eventCount, 2)
    assert.deepEqual(Object.fromEntries(out.outcomes), { 'dead_letter:stage_failed': 2 })
  })

  it('lets a broken invariant stop the partition', () => {
    const broken = mapBatch(() => {
      throw new InvariantError('never')
    })
    let failure: unknown
    of(batchOf(0))
      .pipe(broken)
      .subscribe({ error: (error) => (failure = error) })
    assert.ok(failure instanceof InvariantError)
  })
})

describe('withTimers', () => {
  const input = batchTopic('test.in.v1')
  const output = batchTopic('test.out.v1')
  /** Counts events per 10 s of received time; a window's count goes out when it is over. */
  const count = defineStage({
    name: 'count',
    consumes: input,
    produces: output,
    config: z.strictObject({ windowSeconds: z.number().int().positive().default(10) }),
    build: ({ windowSeconds }, context) => {
      const width = windowSeconds * 1_000_000
      return withTimers<Record<string, number>>(context, {
        initial: () => ({}),
        snapshot: jsonState(),
        step(state, batch, timers) {
          const start = Math.floor(batch.receivedAt / width) * width
          if (batch.eventCount > 0) {
            state[start] = (state[start] ?? 0) + batch.eventCount
            timers.set(String(start), start + width)
          }
          return { ...batch, eventCount: 0, columns: new Map() }
        },
        onTimer(state, name, _at, out) {
          const counts = [...values(out.columns.get('count'), out.eventCount), BigInt(state[name])]
          delete state[name]
          return { ...out, eventCount: counts.length, columns: new Map([['count', columnOf('long', counts)]]) }
        },
      })
    },
  })

  it('fires when time passes, by ticks too, in order', () => {
    const driver = new StageTestDriver(count)
    const at = (offset: number, events: number) => batchOf(offset, { n: ['long', Array(events).fill(1n)] })
    assert.equal(driver.pipe(at(0, 2)).eventCount, 0)
    assert.equal(driver.pipe(at(9, 1)).eventCount, 0)
    const due = driver.pipe(batchOf(12, {}, { projectId: '' }))
    assert.deepEqual(values(due.columns.get('count'), 1), [3n])
  })

  it('keeps timers over a restart', () => {
    const before = new StageTestDriver(count)
    before.pipe(batchOf(0, { n: ['long', [1n]] }))
    const after = new StageTestDriver(count)
    after.restore(before.snapshot(), [])
    assert.equal(after.pipe(batchOf(100)).eventCount, 1)
  })

  it('takes settings, and names the one that does not fit', () => {
    assert.throws(() => count.with({ windowSeconds: -1 }), /windowSeconds/)
    const quick = new StageTestDriver(count.with({ windowSeconds: 1 }))
    quick.pipe(batchOf(0, { n: ['long', [1n]] }))
    assert.equal(quick.pipe(batchOf(1)).eventCount, 1)
  })

  it('may be set again to a time already reached 100,000 times; a stage that does it for ever is stopped and named', () => {
    const again = defineStage({
      name: 'again',
      consumes: input,
      produces: output,
      config: z.strictObject({ times: z.number().default(0) }),
      build: ({ times }, context) =>
        withTimers<{ left: number }>(context, {
          initial: () => ({ left: times }),
          snapshot: jsonState(),
          step(_, batch, timers) {
            timers.set('tock', batch.receivedAt)
            return batch
          },
          onTimer(state, name, at, out, timers) {
            if (state.left-- > 0) timers.set(name, at)
            return out
          },
        }),
    })
    assert.equal(new StageTestDriver(again.with({ times: 100_000 })).pipe(batchOf(0)).eventCount, 0)
    assert.throws(
      () => new StageTestDriver(again.with({ times: 100_001 })).pipe(batchOf(0)),
      (error) => error instanceof InvariantError && /stage again sets timers, last tock/.test(error.message),
    )
  })
})

describe('names', () => {
  it('of stages and topics are checked', () => {
    const topic = batchTopic('test.in.v1')
    const build = () => mapBatch((batch) => batch)
    assert.throws(() => defineStage({ name: 'Bad Name', consumes: topic, produces: topic, build }), /lower-case words/)
    assert.throws(() => defineTopic('events', topic.codec), /lower-case words and a version/)
    const stage = defineStage({ name: 'good', consumes: topic, produces: topic, build })
    assert.equal(deadLetterTopic(stage).name, 'test.in.v1.dlq')
  })
})
