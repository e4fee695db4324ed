import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { eventBatchCodec } from '#schemas/event_batch.ts'
import { rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryEvents, telemetryRaw } from '#schemas/topics.ts'
import { growTopics, type TopicTailFlags, tailTopic } from './topics.ts'

const SECOND_MS = 1_000

async function logOf(partitions: number): Promise<MemoryLog> {
  const log = new MemoryLog()
  const kept = { partitions, retentionMs: 1e9, retentionBytes: null }
  await log.createTopics([telemetryEvents, telemetryRaw].map(({ name }) => ({ name, ...kept })))
  return log
}

/** One event each, named, at ascending seconds. */
async function append(log: MemoryLog, partition: number, ...names: string[]): Promise<void> {
  for (const name of names) {
    const { end } = await log.bounds(telemetryEvents.name, partition)
    const batch = batchOf(end, {
      name: ['text', [name]],
      n: ['long', [9007199254740993n]],
      id: ['bytes', [Buffer.from([1, 255])]],
    })
    const value = eventBatchCodec.encode(batch, 1)
    await log.append([{ topic: telemetryEvents.name, partition, value, timestamp: end * SECOND_MS }])
  }
}

async function rows(log: MemoryLog, topic: string, flags: Partial<TopicTailFlags>): Promise<Record<string, unknown>[]> {
  const printed: string[] = []
  const all = { from: 'beginning', stop: true, ...flags }
  await tailTopic(log, topic, all, async (line) => void printed.push(line), new AbortController().signal)
  return printed.map((line) => JSON.parse(line))
}

describe('millrace topics tail', () => {
  it('prints events with their place; no number is rounded, and bytes are hexadecimal', async () => {
    const log = await logOf(1)
    await append(log, 0, 'a')
    const [row] = await rows(log, telemetryEvents.name, {})
    const { _partition, _offset, name, n, id } = row
    assert.deepEqual(
      { _partition, _offset, name, n, id },
      { _partition: 0, _offset: 0, name: 'a', n: '9007199254740993', id: '01ff' },
    )
  })

  it('prints the exports of the raw topic, and ticks', async () => {
    const log = await logOf(1)
    const raw = rawBatch('logs', [rawExport({}, 'logs', 1, { body: Buffer.from('{}') })], 0)
    for (const batch of [raw, { ...rawBatch('logs', [], 1), projectId: '' }]) {
      const value = rawRecordCodec.encode(batch, 1)
      await log.append([{ topic: telemetryRaw.name, partition: 0, value, timestamp: 0 }])
    }
    const [first, tick] = await rows(log, telemetryRaw.name, {})
    assert.deepEqual([first.body_bytes, first.project_id, tick.tick], [2, raw.projectId, true])
  })

  it('shows the bytes of what it cannot read, and goes on', async () => {
    const log = await logOf(1)
    await log.append([{ topic: telemetryEvents.name, partition: 0, value: Buffer.from('no'), timestamp: 0 }])
    await append(log, 0, 'b')
    const [first, second] = await rows(log, telemetryEvents.name, {})
    assert.deepEqual([first.bytes, second.name], [Buffer.from('no').toString('hex'), 'b'])
    assert.match(String(first.unreadable), /not a framed Avro value/)
  })

  for (const [from, expected] of [
    ['beginning', ['a', 'b', 'c']],
    ['end', []],
    ['1', ['b', 'c']],
    ['1970-01-01T00:00:02Z', ['c']],
    ['-30d', []],
  ] as const) {
    it(`begins at ${from}`, async () => {
      const log = await logOf(1)
      await append(log, 0, 'a', 'b', 'c')
      assert.deepEqual(
        (await rows(log, telemetryEvents.name, { from })).map(({ name }) => name),
        expected,
      )
    })
  }

  it('reads all partitions or one, and goes on as records come', async () => {
    const log = await logOf(2)
    await append(log, 0, 'a')
    await append(log, 1, 'b')
    assert.deepEqual(
      (await rows(log, telemetryEvents.name, { partition: 1 })).map(({ name }) => name),
      ['b'],
    )
    const stop = new AbortController()
    const names: string[] = []
    const flags = { from: 'beginning', stop: false }
    const done = tailTopic(
      log,
      telemetryEvents.name,
      flags,
      async (line) => {
        names.push(JSON.parse(line).name)
        if (names.length === 2) await append(log, 1, 'c')
        if (names.length === 3) stop.abort()
      },
      stop.signal,
    )
    await done
    assert.deepEqual(names, ['a', 'b', 'c'])
  })

  for (const [topic, flags, message] of [
    ['telemetry.none.v1', {}, /no topic telemetry.none.v1: there are telemetry.events.v1/],
    [telemetryEvents.name, { partition: 2 }, /has no partition 2: it has 2/],
    [telemetryEvents.name, { from: '7' }, /offsets 0 to 0, not 7/],
    [telemetryEvents.name, { from: 'yesterday' }, /expected beginning, end, an offset, -15m, or a time/],
  ] as const) {
    it(`refuses ${topic} ${JSON.stringify(flags)}`, async () => {
      await assert.rejects(rows(await logOf(2), topic, flags), (error: Error) => {
        return error instanceof OperatorError && message.test(error.message)
      })
    })
  }
})

describe('millrace topics grow', () => {
  it('gives all topics as many partitions; nothing moves', async () => {
    const log = await logOf(1)
    await append(log, 0, 'a')
    await growTopics(log, 3)
    assert.deepEqual(
      (await log.topics()).map(({ partitions }) => partitions),
      [3, 3],
    )
    assert.deepEqual(
      (await rows(log, telemetryEvents.name, {})).map(({ name }) => name),
      ['a'],
    )
  })

  it('refuses a log without topics', async () => {
    await assert.rejects(growTopics(new MemoryLog(), 3), /start millrace once/)
  })
})
