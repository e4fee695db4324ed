/** What people do at the terminal, with millrace as three processes on Kafka. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createKafkaLog } from '#pipeline/log/kafka/kafka.ts'
import { parseKafkaSettings } from '#pipeline/log/kafka/settings.ts'
import { servicesMissing } from '#pipeline/testing/services/artifacts.ts'
import { until } from '#pipeline/testing/until.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import type { TestServer } from './server.ts'
import { type Ended, millrace } from './testing/command_line.ts'
import { judgeFolder } from './testing/judge.ts'
import { createKafkaWorld, type KafkaWorld, PARTITIONS } from './testing/kafka_world.ts'
import { countOf, EVERYTHING, exportOf, ledgerOf, send } from './testing/orders.ts'

const LOGS = 500
const BAD = 20

describe('at the terminal, on Kafka', { skip: servicesMissing() }, () => {
  let folder: string
  let world: KafkaWorld
  let receiver: TestServer
  let lake: TestServer
  let page: TestServer
  const startAll = async () => {
    const parts = ['receive,stages', 'lake', 'query,ui'].map((roles) => world.start('--roles', roles))
    ;[receiver, lake, page] = await Promise.all(parts)
  }
  const stopAll = async () => {
    for (const server of [receiver, page, lake]) assert.equal(await server.stop(), 0, server.output())
  }
  before(async () => {
    folder = judgeFolder()
    world = await createKafkaWorld({ cwd: folder })
    await startAll()
  })
  after(async () => {
    await world?.close()
    rmSync(folder, { recursive: true })
  })

  const run = async (...args: string[]): Promise<Ended> => {
    const ended = await millrace(page.dataDir, args, { ...world.env }, folder)
    assert.equal(ended.code, 0, ended.stderr)
    return ended
  }
  const counted = (rows: number) => until(async () => (await countOf(page))[0] === rows)

  it('a replay gives the same rows, ids included, after the lake was wiped', { timeout: 180_000 }, async () => {
    for (let first = 0; first < LOGS; first += 50) await send(receiver, exportOf(first))
    await counted(LOGS)
    await until(async () => (await ledgerOf(page)).in_flight === 0)
    const [answers, ledger] = [await page.query(EVERYTHING), await ledgerOf(page)]
    await stopAll()
    rmSync(world.lakeFolder, { recursive: true })
    await startAll()
    assert.deepEqual(await countOf(page), [0, 0])
    await run('replay', 'start', '--from', 'beginning')
    await run('replay', 'flip')
    await until(async () => (await countOf(page))[0] === LOGS)
    assert.deepEqual(await page.query(EVERYTHING), answers)
    assert.deepEqual(await ledgerOf(page), ledger)
    await send(receiver, exportOf(LOGS))
    await counted(LOGS + 50)
  })

  it('a record that cannot be read is listed, and discarded', { timeout: 60_000 }, async () => {
    const { MILLRACE_LOG: url, MILLRACE_SCHEMA_REGISTRY_URL: registryUrl } = world.env
    const log = await createKafkaLog(parseKafkaSettings(url, registryUrl))
    const value = Buffer.from('no record of ours')
    await log.append([{ topic: telemetryEvents.name, partition: 0, value, timestamp: Date.now() }])
    await log.close()
    await until(async () => /unreadable/.test((await run('dlq', 'list')).stdout))
    await run('dlq', 'discard', '--all')
    await until(async () => !/unreadable/.test((await run('dlq', 'list')).stdout))
  })

  it('what a stage could not treat is requeued once it is mended: stored once, under the id it had', {
    timeout: 120_000,
  }, async () => {
    const shown = async (...args: string[]) => {
      const { stdout } = await run('dlq', 'show', '--code', 'condemned', ...args)
      const rows = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { event_id: string }]))
      return rows.map(({ event_id }) => event_id).toSorted()
    }
    for (let first = 0; first < BAD; first += 5) await send(receiver, exportOf(first, 5, 'bad'))
    await until(async () => (await shown()).length === BAD)
    const ids = await shown()
    rmSync(join(folder, 'broken'))
    const both = await Promise.all([1, 2].map(() => run('dlq', 'requeue', '--code', 'condemned')))
    const requeued = both.map(({ stdout }) => Number(/^(\d+) events? (?:is|are) requeued/.exec(stdout)?.[1]))
    assert.deepEqual(requeued.toSorted(), [0, BAD])
    await counted(LOGS + 50 + BAD)
    const stored = await page.query("select id from otel_logs_and_spans where name like 'bad-%'")
    assert.deepEqual(stored.flat().toSorted(), ids)
    assert.deepEqual(await shown(), [])
    assert.deepEqual(await shown('--state', 'requeued'), ids)
    await until(async () => (await ledgerOf(page)).in_flight === 0)
  })

  it('topics are listed and read, and grow while millrace is stopped', { timeout: 120_000 }, async () => {
    const listed = (await run('topics', 'list')).stdout
    assert.match(listed, new RegExp(`telemetry\\.events\\.v1 +${PARTITIONS} `))
    const { stdout } = await run('topics', 'tail', telemetryEvents.name, '--from', 'beginning', '--stop')
    assert.ok(stdout.includes('"name":"replay-7"'))
    assert.match((await run('groups', 'list')).stdout, /lake_g2|lake/)
    const refused = await millrace(page.dataDir, ['topics', 'grow', '12'], { ...world.env }, folder)
    assert.match(refused.stderr, /millrace works on this log: stop .*\/\d+, /)
    await stopAll()
    const { MILLRACE_PARTITIONS: _, ...env } = world.env
    const grown = await millrace(page.dataDir, ['topics', 'grow', '12'], env, folder)
    assert.equal(grown.code, 0, grown.stderr)
    const again = await world.startWith({ MILLRACE_PARTITIONS: '12' })
    ;[receiver, page] = [again, again]
    const before = LOGS + 50 + BAD
    assert.deepEqual(await countOf(page), [before, before])
    for (let first = LOGS + 50; first < 2 * LOGS; first += 10) await send(receiver, exportOf(first, 10))
    await counted(2 * LOGS + BAD)
    const raw = (await run('topics', 'tail', 'telemetry.raw.v1', '--from', 'beginning', '--stop')).stdout
    assert.match(raw, /"_partition":1[01],"_offset":\d+,"project_id"/)
  })
})
