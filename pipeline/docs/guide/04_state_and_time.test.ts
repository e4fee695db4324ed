/**
 * # 4. State and time
 *
 * `stateful` remembers, one state per partition; `withTimers` also waits. Time is data: it is the batch's `receivedAt`, and a
 * partition that is silent gets a tick every second, an empty batch that belongs to no project. So windows close without
 * traffic, a replay gives the same windows, and a test moves time by hand.
 *
 * This one counts events per service and minute, and adds a log with the count when the minute is over.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  addEvents,
  type Batch,
  columnOf,
  defineTransform,
  isTick,
  jsonState,
  type Timers,
  valueAt,
  withTimers,
} from 'millrace'
import { batchOf, describeTransform, driverOf, eventsOf } from 'millrace/testing'

const MINUTE = 60_000_000

/** By project, minute and service: how many. A state of plain values, so `jsonState` can keep it. */
interface Counts {
  [window: string]: Record<string, number>
}

function count(counts: Counts, batch: Batch, timers: Timers): Batch {
  const services = batch.columns.get('resource___service___name') ?? batch.columns.get('resource.service.name')
  if (services === undefined) return batch
  const minute = Math.floor(batch.receivedAt / MINUTE) * MINUTE
  const window = `${batch.projectId} ${minute}`
  counts[window] ??= {}
  for (let row = 0; row < batch.eventCount; row++) {
    const service = String(valueAt(services, row) ?? 'unknown')
    counts[window][service] = (counts[window][service] ?? 0) + 1
  }
  timers.set(window, minute + MINUTE)
  return batch
}

function report(counts: Counts, window: string, at: number, out: Batch, timers: Timers): Batch {
  const [project, minute] = window.split(' ')
  // A batch is of one project: another's has to wait for the next, or for a tick.
  if (!isTick(out) && out.projectId !== project) {
    timers.set(window, out.receivedAt + 1)
    return out
  }
  const entries = Object.entries(counts[window])
  delete counts[window]
  return addEvents(
    out,
    project,
    new Map([
      [
        'timestamp',
        columnOf(
          'long',
          entries.map(() => BigInt(at)),
        ),
      ],
      [
        'kind',
        columnOf(
          'text',
          entries.map(() => 'log'),
        ),
      ],
      [
        'name',
        columnOf(
          'text',
          entries.map(() => 'events_per_minute'),
        ),
      ],
      [
        'resource___service___name',
        columnOf(
          'text',
          entries.map(([service]) => service),
        ),
      ],
      [
        'attributes.count',
        columnOf(
          'long',
          entries.map(([, events]) => BigInt(events)),
        ),
      ],
      [
        'attributes.minute',
        columnOf(
          'text',
          entries.map(() => new Date(Number(minute) / 1000).toISOString()),
        ),
      ],
    ]),
  )
}

export const countPerMinute = defineTransform({
  name: 'count_per_minute',
  build: (_, context) =>
    withTimers<Counts>(context, { initial: () => ({}), snapshot: jsonState(), step: count, onTimer: report }),
})

const from = (second: number, ...services: string[]) =>
  batchOf(second, { resource___service___name: ['text', services] })
const tick = (second: number) => batchOf(second, {}, { projectId: '' })

it('reports a minute when it is over, though nothing more comes', () => {
  const driver = driverOf(countPerMinute)
  driver.pipe(from(0, 'cart', 'cart', 'checkout'))
  driver.pipe(from(59, 'cart'))
  const reported = eventsOf(driver.pipe(tick(60)))
  assert.deepEqual(
    reported.map((event) => [
      event.name,
      event.resource___service___name,
      event['attributes.count'],
      event['attributes.minute'],
    ]),
    [
      ['events_per_minute', 'cart', 3n, '2026-01-01T00:00:00.000Z'],
      ['events_per_minute', 'checkout', 1n, '2026-01-01T00:00:00.000Z'],
    ],
  )
})

it('keeps projects apart: a report waits for a batch of its own project, or a tick', () => {
  const driver = driverOf(countPerMinute)
  driver.pipe(from(0, 'cart'))
  assert.equal(driver.pipe({ ...from(61, 'other'), projectId: 'another' }).eventCount, 1)
  const out = driver.pipe(tick(62))
  assert.equal(out.projectId, 'project')
  assert.equal(out.eventCount, 1)
})

/** The conformance suite stops and restarts it between any two batches: the counts must come out the same. */
describeTransform(countPerMinute, [
  from(0, 'cart', 'cart'),
  from(30, 'checkout'),
  tick(61),
  from(62, 'cart'),
  tick(125),
])
