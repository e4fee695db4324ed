import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceAnswer } from '#ui/server/api/projection_routes.ts'
import { shownServices } from './order.ts'

const service = (name: string, more: Partial<ServiceAnswer> = {}): ServiceAnswer => ({
  ...{ namespace: '', name, version: null, sdk_name: null, sdk_language: null, sdk_version: null },
  ...{ first_seen: '2026-11-22T10:00:00.000Z', last_seen: '2026-11-22T10:00:00.000Z' },
  ...{ logs: 0, spans: 0, metrics: 0, errors: 0, events_per_second: 0, errors_per_second: 0 },
  ...{ owner: null, description: null },
  ...more,
})
const all = [
  service('cart', { errors: 3, owner: 'Ann' }),
  service('auth', { errors: 3 }),
  service('pay', { namespace: 'eu', errors: 9, owner: 'bob', last_seen: '2026-11-22T11:00:00.000Z' }),
]
const names = (like: string, order: Parameters<typeof shownServices>[2]) =>
  shownServices(all, like, order).map(({ name }) => name)

test('numbers and times from the highest, texts from the first, empty ones last, equal ones by name', () => {
  assert.deepEqual(names('', 'errors'), ['pay', 'auth', 'cart'])
  assert.deepEqual(names('', 'seen'), ['pay', 'auth', 'cart'])
  assert.deepEqual(names('', 'name'), ['auth', 'cart', 'pay'])
  assert.deepEqual(names('', 'owner'), ['cart', 'pay', 'auth'])
})

test('found by name, namespace or owner, whatever the case', () => {
  assert.deepEqual(
    [names('ANN', 'name'), names('eu/', 'name'), names('art', 'name'), names('x', 'name')],
    [['cart'], ['pay'], ['cart'], []],
  )
})
