/** What several processes report, as one. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PartReport, TopologyReport } from './report.ts'
import { merged } from './workers.ts'

const none = { bytes_out_total: 0, dead_letters_total: 0, errors_total: 0, retries_total: 0, busy_seconds_total: 0 }

function part(events: number, partitions: PartReport['partitions']): PartReport {
  const lag = partitions.reduce((sum, { lag_records }) => sum + lag_records, 0)
  const rates = { events_per_second: events / 10, events_total: events, batches_total: events, lag_records: lag }
  return { name: 'copy', kind: 'stage', consumes: 'raw', ...none, ...rates, partitions }
}

const at = (
  partition: number,
  condition: PartReport['partitions'][number]['condition'],
  lag_records: number,
  reason: string | null = null,
) => ({ partition, condition, reason, lag_records })

it('adds up what was done, and takes each partition from the process that has it', () => {
  const own = {
    name: 't',
    topics: [],
    parts: [part(0, [at(0, 'unassigned', 9), at(1, 'unassigned', 9), at(2, 'unassigned', 9)])],
  }
  const others = [
    {
      host: 'b',
      pid: 2,
      roles: ['stages'],
      parts: [part(10, [at(0, 'running', 1), at(1, 'unassigned', 7), at(2, 'unassigned', 9)])],
    },
    {
      host: 'c',
      pid: 3,
      roles: ['stages'],
      parts: [part(30, [at(0, 'unassigned', 8), at(1, 'stopped', 5, 'why'), at(2, 'unassigned', 9)])],
    },
  ]
  const here = { host: 'a', pid: 1, roles: ['ui'] }
  const { parts, workers } = merged(own as unknown as TopologyReport, others, here)
  assert.deepEqual(workers, [
    { name: 'a/1', roles: ['ui'] },
    { name: 'b/2', roles: ['stages'] },
    { name: 'c/3', roles: ['stages'] },
  ])
  assert.deepEqual([parts[0].events_total, parts[0].events_per_second, parts[0].lag_records], [40, 4, 15])
  assert.deepEqual(parts[0].partitions, [
    { ...at(0, 'running', 1), worker: 'b/2' },
    { ...at(1, 'stopped', 5, 'why'), worker: 'c/3' },
    at(2, 'unassigned', 9),
  ])
})
