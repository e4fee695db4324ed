/** Dead letters from outside: a stage of one's own that fails, and the command line. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { startServer, TEST_KEY, type TestServer } from './server.ts'
import { type Ended, millrace } from './testing/command_line.ts'
import { judgeFolder } from './testing/judge.ts'

let folder: string
let server: TestServer
before(async () => {
  folder = judgeFolder()
  server = await startServer({ cwd: folder })
})
after(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function send(...names: string[]): Promise<void> {
  const logRecords = names.map((eventName) => ({ eventName }))
  const attributes = [{ key: 'service.name', value: { stringValue: 'cart' } }]
  const response = await fetch(`${server.otlpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    body: JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] }),
  })
  assert.equal(response.status, 200)
}

interface Line {
  readonly cause: string
  readonly events: number
  readonly event_id: string
  readonly event: { readonly name: string }
  readonly raw_export: { readonly body: { readonly base64: string } }
}

const dlq = (...args: string[]): Promise<Ended> => millrace(server.dataDir, ['dlq', ...args])

async function lines(...args: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await dlq(...args)
  assert.equal(code, 0, stderr)
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

const count = async () => Number((await server.query('select count(*) from otel_logs_and_spans'))[0][0])

describe('millrace dlq', () => {
  it('lists by cause and shows row by row, down to the export', async () => {
    await send('good 1', 'bad 1', 'bad 2')
    await until(async () => (await count()) === 1)
    const table = await dlq('list')
    assert.match(table.stdout, /judge +condemned +telemetry\.judge\.in\.v1 +bad #: guilty on # counts .* cart/)
    const [{ cause }] = await lines('list', '-f', 'json')
    const rows = await lines('show', cause, '--raw')
    assert.deepEqual(rows.map(({ event }) => event.name).toSorted(), ['bad 1', 'bad 2'])
    const { body } = rows[0].raw_export
    assert.match(Buffer.from(body.base64, 'base64').toString(), /good 1/)
    assert.equal((await lines('show', '--limit', '1')).length, 1)
    assert.deepEqual(await lines('show', '--code', 'other'), [])
  })

  it('requeues what was mended, which then is in SQL, and discards the rest', async () => {
    rmSync(join(folder, 'broken'))
    const [{ cause }] = await lines('list', '-f', 'json')
    const ids = (await lines('show', cause)).map(({ event_id }) => event_id)
    assert.match((await dlq('requeue', cause)).stdout, /^2 events are requeued/)
    await until(async () => (await count()) === 3)
    const stored = await server.query(`select id from otel_logs_and_spans where name like 'bad%'`)
    assert.deepEqual(stored.flat().toSorted(), ids.toSorted())
    assert.match((await dlq('requeue', cause)).stdout, /^0 events are requeued/)

    writeFileSync(join(folder, 'broken'), '')
    await send('bad 3', 'good 2')
    await until(async () => (await lines('list', '-f', 'json')).length === 1)
    assert.match((await dlq('discard', '--stage', 'judge')).stdout, /^1 event is discarded/)
    const ledger = async () => (await (await server.get('/v1/ledger')).json()) as Record<string, unknown>
    await until(async () => (await ledger()).dropped === 1)
    const { received, stored: rows, in_flight, dead_lettered, dropped_by_reason, unaccounted } = await ledger()
    assert.deepEqual([received, rows, in_flight, dead_lettered, unaccounted], [5, 4, 0, 0, 0])
    assert.deepEqual(dropped_by_reason, { discarded: 1 })
    assert.equal((await lines('list', '--state', 'discarded', '-f', 'json')).length, 1)
    const { items } = (await (await server.get('/v1/audit')).json()) as { items: { action: string }[] }
    const actions = items.map(({ action }) => action).filter((action) => action.startsWith('dead_letters'))
    assert.deepEqual(actions, ['dead_letters.discard', 'dead_letters.requeue'])
  })

  it('says what is wrong with what it is asked', async () => {
    assert.match((await dlq('discard')).stderr, /says which/)
    const wrong = await dlq('show', 'no-cause')
    assert.deepEqual([wrong.code, /cause as the list shows it/.test(wrong.stderr)], [2, true])
    assert.match((await dlq('list', '--from', 'yesterday')).stderr, /is no time/)
  })
})

describe('a stage that fails at everything', () => {
  const conditions = async () => {
    const { parts } = (await (await server.get('/v1/topology')).json()) as {
      parts: { name: string; partitions: { condition: string }[] }[]
    }
    return parts.find(({ name }) => name === 'judge')!.partitions.map(({ condition }) => condition)
  }

  it('stops and says so, goes on once somebody accepts it, and loses nothing', async () => {
    const before = await count()
    writeFileSync(join(folder, 'bug'), '')
    for (let batch = 0; batch < 5; batch++) await send(...[1, 2, 3, 4, 5].map((at) => `e${batch}${at}`))
    await until(async () => (await conditions())[0] === 'stopped')
    const ready = await server.get('/readyz')
    const { reasons } = (await ready.json()) as { reasons: string[] }
    assert.equal(ready.status, 503)
    assert.match(reasons.join(), /judge\/0: judge failed at more than half .*it is a bug.*millrace dlq accept judge/)
    const aside = (await lines('list', '--stage', 'judge', '-f', 'json')).length
    assert.ok(aside <= 1, 'one cause')

    assert.match((await dlq('accept', 'no_stage')).stderr, /no stage or sink no_stage|no_stage/)
    assert.match(
      (await dlq('accept', 'judge', '--hours', '1')).stdout,
      /^judge goes on, whatever it fails at, until 20/,
    )
    await until(async () => (await conditions())[0] === 'running')
    const failed = async () => {
      const groups = await lines('list', '--code', 'stage_failed', '-f', 'json')
      return groups.reduce((sum, { events }) => sum + events, 0)
    }
    await until(async () => (await failed()) === 25)
    assert.equal(await count(), before)
    assert.equal((await server.get('/readyz')).status, 200)

    rmSync(join(folder, 'bug'))
    assert.match((await dlq('requeue', '--code', 'stage_failed')).stdout, /^25 events are requeued/)
    await until(async () => (await count()) === before + 25)
    const [[distinct]] = await server.query('select count(distinct id) from otel_logs_and_spans')
    assert.equal(Number(distinct), before + 25)
  })
})
