import assert from 'node:assert/strict'
import { it } from 'node:test'
import { comparisonText, type GenerationAnswer, listRows, statusLine } from './replay_text.ts'

const running: GenerationAnswer = {
  ...{ generation: 2, state: 'running', reason: null, lake: 2, projections: 1, stages: 'f00d', size_bytes: 3_500_000 },
  ...{ created_at: '2026-11-26T05:00:00Z', live_at: null, comparison: null },
  progress: {
    ...{ records: 1_500, records_total: 6_000, events: 3_000_000, dead_letters: 0 },
    ...{ events_per_second: 61_234, seconds_left: 147, doing: 'replaying' },
  },
}

it('says how far it is, how fast, and how long it takes; a bar where lines redraw themselves', () => {
  assert.equal(
    statusLine(running),
    'generation 2  running  25 %  1,500 of 6,000 records  3,000,000 events, 61,234/s  2 min 27 s left',
  )
  assert.match(statusLine(running, 200), /\[={6} {18}\] {2}25 %/)
  assert.equal(statusLine(running, 40).length, 39, 'a line that wraps could not be redrawn')
  const done = { ...running, state: 'caught_up', progress: { ...running.progress!, records: 6_000, dead_letters: 3 } }
  assert.match(statusLine(done), /^generation 2 {2}caught up {2}100 % .* 3 dead letters$/)
  const before = { ...running.progress!, records: 0, records_total: 0, doing: 'carrying over, table 1 of 2' }
  assert.equal(statusLine({ ...running, progress: before }), 'generation 2  running  carrying over, table 1 of 2')
  assert.equal(
    statusLine({ ...running, state: 'failed', reason: 'the disk is on fire' }),
    'generation 2  failed  the disk is on fire',
  )
})

it('lists where each is and how large', () => {
  assert.deepEqual(listRows([running]).rows, [
    [2, 'running', 'g2', 'g1', '3.3 MB', 'f00d', '2026-11-26T05:00:00Z', null],
  ])
})

it('tells what differs, or that nothing does', () => {
  const day = { project_id: 'shop', table: 'otel_metrics', day: '2026-11-26', live_rows: 5, rows: 5, is_equal: true }
  const compared_at = '2026-11-26T05:00:00Z'
  assert.equal(
    comparisonText({ compared_at, days: [day], differences: [] }),
    'the same: 5 rows in 1 day or table, every value',
  )
  const usage = { project_id: '', table: 'usage', day: '', live_rows: 2, rows: 3, is_equal: false }
  const columns = [{ name: 'events', live: '1', next: null }]
  const difference = { table: 'usage', id: 'shop logs', kind: 'changed', columns }
  assert.equal(
    comparisonText({ compared_at, days: [day, usage], differences: [difference] }),
    [
      '1 of 2 days and tables differ:',
      '  usage  2 rows live, 3 new',
      '  usage  shop logs  changed',
      '    events: 1 -> null',
    ].join('\n'),
  )
})
