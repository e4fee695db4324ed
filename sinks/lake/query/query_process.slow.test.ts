import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { fastestMs } from '#pipeline/testing/figures.ts'
import { QueryError, type QueryFault, type QueryRequest, type QueryRow } from '#schemas/query.ts'
import { createQueryProcess, type QueryProcess, type QueryProcessOptions } from './query_process.ts'
import { PROJECT } from './testing/fixture.ts'
import { FIXTURE_SOURCES } from './testing/fixture_sources.ts'

const EVENTS = 30_000
const ENDLESS = 'SELECT count(*) FROM range(1000000000000) a'

describe('the query process', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-process-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const open = (options: Partial<QueryProcessOptions> = {}) =>
    createQueryProcess({
      sources: FIXTURE_SOURCES,
      settings: { events: EVENTS, folder },
      tempDirectory: join(folder, 'temp'),
      ...options,
    })
  const withProcess = async (options: Partial<QueryProcessOptions>, use: (queries: QueryProcess) => Promise<void>) => {
    const queries = await open(options)
    try {
      await use(queries)
    } finally {
      await queries.close()
    }
  }

  it('streams rows in pages up to the bound and says whether there were more', () =>
    withProcess({ maxRows: EVENTS - 1 }, async (queries) => {
      const cut = await collect(queries, { sql: 'SELECT duration FROM otel_logs_and_spans ORDER BY duration' })
      assert.equal(cut.rows.length, EVENTS - 1)
      assert.equal(cut.truncated, true)
      assert.deepEqual(cut.rows.at(-1), [EVENTS - 2])
      const whole = await collect(queries, { sql: 'SELECT duration FROM otel_logs_and_spans LIMIT 29999' })
      assert.equal(whole.rows.length, EVENTS - 1)
      assert.equal(whole.truncated, false)
      const two = await collect(queries, { sql: 'SELECT duration FROM otel_logs_and_spans', maxRows: 2 })
      assert.deepEqual([two.rows.length, two.truncated], [2, true])
      const asked = await collect(queries, { sql: 'SELECT duration FROM otel_logs_and_spans', maxRows: EVENTS })
      assert.deepEqual([asked.rows.length, asked.truncated], [EVENTS, false])
    }))

  it('sends no page that is not asked for, and lets go when the reader leaves', () =>
    withProcess({}, async (queries) => {
      const sql = 'SELECT repeat_me.duration FROM otel_logs_and_spans repeat_me, range(10000)'
      const { pages } = await queries.query(request({ sql }))
      assert.equal((await pages.next()).done, false)
      assert.equal(queries.health().running, 1)
      await pages.return({ truncated: true })
      await until(() => queries.health().running === 0)
    }))

  it('lets no slow reader hold up the others, up to a bound of them', () =>
    withProcess({ maxRunning: 1, maxStalled: 2 }, async (queries) => {
      const sql = 'SELECT e.duration FROM otel_logs_and_spans e, range(10000)'
      const stuck = [await queries.query(request({ sql })), await queries.query(request({ sql }))]
      assert.deepEqual((await collect(queries, { sql: 'SELECT 1' })).rows, [[1]])
      const third = await queries.query(request({ sql }))
      const waiting = collect(queries, { sql: 'SELECT 2' })
      assert.deepEqual([queries.health().running, queries.health().queued], [3, 1])
      await stuck[0].pages.return({ truncated: true })
      assert.deepEqual((await waiting).rows, [[2]])
      for (const { pages } of [...stuck, third]) await pages.return({ truncated: true })
    }))

  it('interrupts a statement whose client went away', () =>
    withProcess({}, async (queries) => {
      const client = new AbortController()
      const answer = collect(queries, { sql: ENDLESS, signal: client.signal })
      const started = performance.now()
      client.abort()
      await rejectsWith(answer, 'cancelled')
      // The statement itself would have taken for ever.
      assert.ok(performance.now() - started < 10_000)
      assert.equal(queries.health().running, 0)
    }))

  it('ends a statement at its time, one that waited for its turn too', () =>
    withProcess({ maxRunning: 1 }, async (queries) => {
      const first = collect(queries, { sql: ENDLESS, timeoutMs: 500 })
      const second = collect(queries, { sql: 'SELECT 1', timeoutMs: 100 })
      await rejectsWith(first, 'timeout')
      await rejectsWith(second, 'timeout')
      assert.deepEqual((await collect(queries, { sql: 'SELECT 1' })).rows, [[1]])
    }))

  it('refuses the first statement beyond what may wait', () =>
    withProcess({ maxRunning: 1, maxQueued: 1 }, async (queries) => {
      const client = new AbortController()
      const running = collect(queries, { sql: ENDLESS, signal: client.signal })
      const queued = collect(queries, { sql: 'SELECT 1' })
      assert.deepEqual([queries.health().running, queries.health().queued], [1, 1])
      await rejectsWith(collect(queries, { sql: 'SELECT 2' }), 'overload')
      client.abort()
      await rejectsWith(running, 'cancelled')
      assert.deepEqual((await queued).rows, [[1]])
    }))

  it('is back at once after a crash; what was in it may be tried again', (context) =>
    withProcess({}, async (queries) => {
      let crashes = 0
      const backMs = await fastestMs(3, 1000, async () => {
        const answer = collect(queries, { sql: ENDLESS })
        const started = performance.now()
        process.kill(queries.health().pid!, 'SIGKILL')
        await rejectsWith(answer, 'unavailable')
        await rejectsWith(collect(queries, { sql: 'SELECT 1' }), 'unavailable')
        await until(() => queries.health().ready)
        assert.equal(queries.health().restarts, ++crashes)
        return performance.now() - started
      })
      context.diagnostic(`back after ${Math.round(backMs)} ms`)
      // A second on cores of its own; here they are shared with other tests.
      assert.ok(backMs < 3000, `back after ${backMs} ms`)
      assert.deepEqual((await collect(queries, { sql: 'SELECT count(*) FROM otel_logs_and_spans' })).rows, [[EVENTS]])
    }))

  it('reads from other sources when it is told to; what is at work finishes where it began', () =>
    withProcess({}, async (queries) => {
      const count = 'SELECT count(*) FROM otel_logs_and_spans'
      const slow = 'SELECT e.duration FROM otel_logs_and_spans e, range(20) ORDER BY e.duration'
      const { pages } = await queries.query(request({ sql: slow, maxRows: 1_000_000 }))
      await queries.use({ events: 7, folder })
      assert.deepEqual((await collect(queries, { sql: count })).rows, [[7]])
      let rows = 0
      for await (const page of pages) rows += page.length
      assert.equal(rows, EVENTS * 20)
      process.kill(queries.health().pid!, 'SIGKILL')
      await until(() => queries.health().restarts === 1 && queries.health().ready)
      assert.deepEqual((await collect(queries, { sql: count })).rows, [[7]], 'after a crash as well')
    }))

  it('restarts a process that does not answer at all', () =>
    withProcess({ warn() {} }, async (queries) => {
      process.kill(queries.health().pid!, 'SIGSTOP')
      await rejectsWith(collect(queries, { sql: 'SELECT 1', timeoutMs: 100 }), 'timeout')
      await until(() => queries.health().restarts === 1 && queries.health().ready)
      assert.deepEqual((await collect(queries, { sql: 'SELECT 1' })).rows, [[1]])
    }))

  it('fails a statement that needs more memory than its instance has, and goes on', () =>
    withProcess({ instanceMemoryBytes: 64 << 20, instanceTempBytes: 1 << 20 }, async (queries) => {
      const hungry = 'SELECT list(range) FROM range(100000000)'
      const problem = await rejectsWith(collect(queries, { sql: hungry }), 'user')
      assert.equal(problem.problem.code, '53200')
      assert.deepEqual((await collect(queries, { sql: 'SELECT 1' })).rows, [[1]])
      assert.equal(queries.health().restarts, 0)
    }))

  it('says what is wrong when it cannot start', async () => {
    const nowhere = new URL('./testing/nowhere.ts', import.meta.url).href
    await assert.rejects(open({ sources: nowhere }), (cause: Error) => {
      assert.ok(cause instanceof OperatorError)
      assert.match(cause.message, /SQL cannot start: .*nowhere/)
      return true
    })
  })
})

function request(options: Partial<QueryRequest>): QueryRequest {
  return { projectId: PROJECT, projectName: 'default', sql: '', ...options }
}

async function collect(queries: QueryProcess, options: Partial<QueryRequest>) {
  const { columns, pages } = await queries.query(request(options))
  const rows: QueryRow[] = []
  for (;;) {
    const { done, value } = await pages.next()
    if (done) return { columns, rows, truncated: value.truncated }
    rows.push(...value)
  }
}

async function rejectsWith(answer: Promise<unknown>, fault: QueryFault): Promise<QueryError> {
  try {
    await answer
  } catch (cause) {
    assert.ok(cause instanceof QueryError, String(cause))
    assert.equal(cause.problem.fault, fault, cause.message)
    return cause
  }
  throw new Error(`no ${fault}`)
}

/** Looks again with every turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'the condition did not come about')
    const turn = new MessageChannel()
    turn.port2.postMessage(null)
    await once(turn.port1, 'message')
    turn.port1.close()
  }
}
