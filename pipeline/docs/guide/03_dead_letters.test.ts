/**
 * # 3. What is not wanted, and what cannot be treated
 *
 * A bad event is a value, not an exception. `drop(code)` takes it out and counts it under `dropped:<code>`;
 * `deadLetter(code, detail)` keeps it, as it was read, in the dead letters of the topic it was read from (`<topic>.dlq`, a week), for
 * a person to look at. Either way the other events go on, and received = stored + dropped + dead-lettered stays countable.
 *
 * A code is a word, the same for all that died of the same; the detail is a sentence about this one. Dead letters are
 * grouped by both, numbers in the detail left out of account.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { deadLetter, defineTransform, drop, keep, mapBatch, mapEvents, withColumns } from 'millrace'
import { batchOf, driverOf, eventsOf } from 'millrace/testing'

export const checkOrders = defineTransform({
  name: 'check_orders',
  build: () =>
    mapEvents((event) => {
      if (event.get('attributes___http___request___method') === 'OPTIONS') return drop('preflight')
      const total = event.get('attributes.order.total')
      if (total === null) return keep()
      if (typeof total !== 'number' || total < 0) return deadLetter('bad_total', `order.total is ${total}`)
      return keep()
    }),
})

it('drops, puts aside and keeps', () => {
  const driver = driverOf(checkOrders)
  const out = driver.pipe(
    batchOf(0, {
      name: ['text', ['order', 'order', 'health', 'cors']],
      'attributes.order.total': ['double', [12.5, -1, null, null]],
      attributes___http___request___method: ['text', ['POST', 'POST', 'GET', 'OPTIONS']],
    }),
  )
  assert.deepEqual(
    eventsOf(out).map(({ name }) => name),
    ['order', 'health'],
  )
  assert.deepEqual(Object.fromEntries(out.outcomes), { 'dropped:preflight': 1, 'dead_letter:bad_total': 1 })
  const [dead] = driver.deadLetters.flatMap(eventsOf)
  assert.equal(dead['dead_letter.detail'], 'order.total is -1')
  assert.equal(dead['dead_letter.stage'], 'check_orders')
})

/**
 * And if the treatment itself fails? An event whose `mapEvents` throws becomes a dead letter, alone. A transform that fails
 * as a whole, gives a broken batch or a column of another type than the table's, or does not end within its time limit
 * (`timeLimitMs`, one second) costs that batch: it is put aside under the code `stage_failed`, the log says so, and the flow
 * goes on.
 *
 * For a while: a stage that fails so at more than half of three batches in a row, of whoever sends, has a bug. Then its
 * partition stops before the third, `/readyz` and the page say why, and nothing is lost. Mend it and restart, or let it go on
 * putting things aside: `millrace dlq accept <stage>`. What a stage decides (`deadLetter`) never stops it: bad events are
 * not its fault.
 */
it('puts aside what its treatment fails at', () => {
  const careless = defineTransform({
    name: 'careless',
    build: () => mapEvents((event) => keep({ size: BigInt((event.get('name') as string).length) })),
  })
  const driver = driverOf(careless)
  assert.deepEqual(eventsOf(driver.pipe(batchOf(0, { name: ['text', ['four', null]] }))).length, 1)
  assert.match(String(driver.deadLetters.flatMap(eventsOf)[0]['dead_letter.detail']), /null/)
})

it('puts aside what does not fit the table', () => {
  const severe = defineTransform({ name: 'severe', build: () => mapEvents(() => keep({ level: 17n })) })
  const driver = driverOf(severe)
  assert.equal(driver.pipe(batchOf(0, { name: ['text', ['order']] })).eventCount, 0)
  const [dead] = driver.deadLetters.flatMap(eventsOf)
  assert.equal(
    dead['dead_letter.detail'],
    'severe: column level of otel_logs_and_spans: it is long, where text wants text',
  )
})

/**
 * Then somebody looks at them, on the page or at the terminal:
 *
 * ```sh
 * npx millrace dlq list                        # by cause: how many, when, from which services
 * npx millrace dlq show <cause> --raw          # as JSON, down to the export they came in
 * npx millrace dlq requeue <cause>             # treat them again
 * npx millrace dlq discard --stage check_orders --to -1d
 * ```
 *
 * Requeued events go through the stage that could not treat them, and those behind it, as they were read: with the ids they
 * always had, once, however often it is asked. So mend the stage, restart, requeue. A stage needs to know nothing of it: what
 * was put aside comes in as any batch does.
 */
it('treats again what was put aside, once it is mended', () => {
  const strict = (least: number) =>
    driverOf(
      defineTransform({
        name: 'strict',
        build: () =>
          mapBatch((batch) => {
            if (batch.eventCount < least) throw new Error(`a batch of ${batch.eventCount}`)
            return batch
          }),
      }),
    )
  const [broken, mended] = [strict(2), strict(1)]
  broken.pipe(batchOf(0, { name: ['text', ['order']] }))
  const [dead] = broken.deadLetters
  assert.deepEqual(
    eventsOf(dead).map((event) => [event.name, event['dead_letter.code'], event['dead_letter.detail']]),
    [['order', 'stage_failed', 'a batch of 1']],
  )
  const reasons = [...dead.columns.keys()].filter((name) => name.startsWith('dead_letter.'))
  const again = withColumns(
    dead,
    reasons.map((name) => [name, null]),
  )
  assert.deepEqual(
    eventsOf(mended.pipe(again)).map(({ name }) => name),
    ['order'],
  )
})
