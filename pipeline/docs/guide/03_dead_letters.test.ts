/**
 * # 3. What is not wanted, and what cannot be treated
 *
 * A bad event is a value, not an exception. `drop(code)` takes it out and counts it under `dropped:<code>`;
 * `deadLetter(code, detail)` keeps it in the dead letters of the topic it was read from, for a person to look at. Either way the
 * other events go on, and received = stored + dropped + dead-lettered stays countable.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { deadLetter, defineTransform, drop, keep, mapEvents } from 'millrace'
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
})

/**
 * And if the treatment itself fails? An event whose `mapEvents` throws becomes a dead letter, alone. A transform that fails
 * as a whole, gives a broken batch or a column of another type than the table's, or does not end within its time limit
 * (`timeLimitMs`, one second) costs that batch: it is put aside under the transform's name, the log says so, and the flow
 * goes on.
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
