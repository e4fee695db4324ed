import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { planStatement } from './plan.ts'
import { batchOf, createQueryFixture, micros, PROJECT, type QueryFixture } from './testing/fixture.ts'

const START = micros('2026-11-22T10:00:00Z')

describe('the newest events', () => {
  let fixture: QueryFixture
  const files: string[] = []
  before(async () => {
    fixture = await createQueryFixture()
    // Batches a day apart, most of them stored, the others in the tail; times within a batch repeat.
    for (let offset = 0; offset < 24; offset++) {
      const rows = Array.from({ length: 40 }, (_, row) => ({
        timestamp: START + BigInt(offset) * 86_400_000_000n + BigInt(row >> 1) * 1_000_000n,
        name: `n${row % 5}`,
        duration: BigInt(offset * 100 + row),
        'attributes.k': `v${row % 3}`,
      }))
      const batch = batchOf(rows, { offset })
      if (offset < 20) files.push(await fixture.lake.commit([batch]))
      await fixture.append(batch)
    }
  })
  after(() => fixture.close())

  const plan = async (sql: string) =>
    planStatement(fixture.parser, await fixture.parser.parse(sql), {
      projectId: PROJECT,
      projectName: 'default',
      params: ['n1'],
    })
  const conditions = [
    '',
    "WHERE name = 'n1'",
    "WHERE attributes->>'k' = 'v2' AND duration < 450",
    'WHERE duration < 130',
    'WHERE duration < 1500',
    "WHERE name = 'absent'",
  ]

  it('are the same as without the short cut', async () => {
    for (const condition of conditions) {
      for (const limit of ['LIMIT 7', 'LIMIT 10 OFFSET 35']) {
        const columns = 'duration, attributes, timestamp AS t'
        const short = `SELECT ${columns} FROM otel_logs_and_spans ${condition} ORDER BY timestamp DESC, duration ${limit}`
        assert.notEqual((await plan(short)).thresholdSql, null, short)
        const long = `SELECT * FROM (SELECT ${columns} FROM otel_logs_and_spans ${condition}) x ORDER BY t DESC, duration ${limit}`
        assert.equal((await plan(long)).thresholdSql, null, long)
        assert.deepEqual(await fixture.query(short), await fixture.query(long), short)
      }
    }
  })

  it('are found with parameters', async () => {
    const sql =
      'SELECT duration FROM otel_logs_and_spans WHERE name = $1 ORDER BY timestamp DESC, duration DESC LIMIT 2'
    assert.notEqual((await plan(sql)).thresholdSql, null)
    assert.deepEqual(await fixture.query(sql, ['n1']), [{ duration: 2336 }, { duration: 2331 }])
  })

  it('are found in files whose times overlap', async () => {
    const at = (day: number) => ({ timestamp: START + BigInt(day) * 86_400_000_000n, duration: BigInt(day) })
    // The four files with the latest events have the oldest, too; what is between is in others.
    const days = [
      [20, 0],
      [21, 1],
      [22, 2],
      [23, 3],
      [10, 11],
      [12, 13],
    ]
    for (const [offset, pair] of days.entries()) {
      await fixture.lake.commit([batchOf(pair.map(at), { offset, projectId: 'wide' })])
    }
    const sql = 'SELECT duration FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 6'
    const rows = await fixture.query(sql, [], 'wide')
    assert.deepEqual(
      rows.map(({ duration }) => duration),
      [23, 22, 21, 20, 13, 12],
    )
  })

  it('open no file that is older than they are', async () => {
    const newest = (where: string, limit: number) =>
      fixture.query(`SELECT duration FROM otel_logs_and_spans ${where} ORDER BY timestamp DESC LIMIT ${limit}`)
    rmSync(files[0])
    // Four days in the tail, then three files of the four that are opened first.
    assert.equal((await newest('', 280)).length, 280)
    assert.equal((await newest('WHERE duration < 1500', 5)).length, 5)
    await assert.rejects(newest('WHERE duration < 30', 5), /No files found|Cannot open/)
  })

  const others = [
    'SELECT name FROM otel_logs_and_spans ORDER BY timestamp LIMIT 3',
    'SELECT name FROM otel_logs_and_spans ORDER BY timestamp DESC',
    'SELECT name FROM otel_logs_and_spans LIMIT 3',
    'SELECT DISTINCT timestamp FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 3',
    'SELECT timestamp, count(*) FROM otel_logs_and_spans GROUP BY timestamp ORDER BY timestamp DESC LIMIT 3',
    'SELECT row_number() OVER () FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 3',
    'SELECT unnest(hashes) FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 3',
    'SELECT observed_timestamp AS timestamp FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 3',
    'SELECT * REPLACE (observed_timestamp AS timestamp) FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 3',
    'SELECT a.name FROM otel_logs_and_spans a, otel_logs_and_spans b ORDER BY a.timestamp DESC LIMIT 3',
    'SELECT $1, name FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 3',
    'SELECT name FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 10001',
    'SELECT name FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 10 PERCENT',
  ]
  for (const sql of others) it(`no short cut: ${sql}`, async () => assert.equal((await plan(sql)).thresholdSql, null))
})
