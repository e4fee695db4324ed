/** `millrace topics`: what the log holds, and its records as rows of JSON. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Batch, isTick } from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { LogRecord } from '#pipeline/log/log.ts'
import { eventBatchCodec } from '#schemas/event_batch.ts'
import { parseAgo, parseTimestamp } from '#schemas/filter/time.ts'
import { type RawBatch, rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { FORMATS, type Format, type Rows, render } from './render.ts'
import type { Log, Stores } from './stores.ts'

export interface TopicTailFlags {
  /** `beginning`, `end`, an offset, `-15m`, or a time. */
  readonly from: string
  /** Of all partitions only this. */
  readonly partition?: number
  /** Ends at what is there now. */
  readonly stop: boolean
}

const PAGE_BYTES = 1 << 20
/** How long a partition is waited for before the next is looked at. */
const POLL_MS = 200

/** @param stores asked when a command runs, so that a bad setting is said then */
export function topicsCommands(stores: () => Stores): Command {
  const topics = new Command('topics').description('topics of the log')
  topics
    .command('list')
    .description('how many records each holds, and how long it keeps them')
    .addOption(new Option('-f, --format <format>', 'how rows are printed').choices(FORMATS).default('table'))
    .action(async ({ format }: { format: Format }) => {
      process.stdout.write(render(await stores().reading(topicRows), format))
    })
  topics
    .command('tail')
    .description('print a topic as rows of JSON, one for each event, as they come')
    .argument('<topic>', 'as topics list shows it')
    .option('--from <where>', 'where to begin: beginning, end, an offset, -15m, or a time', 'end')
    .option('--partition <number>', 'of all partitions only this', wholeNumber)
    .option('--stop', 'end at what is there now', false)
    .action((topic: string, flags: TopicTailFlags) => {
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      return stores().reading((log) => tailTopic(log, topic, flags, print, stop.signal))
    })
  topics
    .command('grow')
    .description(
      'give every topic more partitions, so that more processes can share the work; millrace must be stopped',
    )
    .argument('<partitions>', 'how many each is to have', wholeNumber)
    .action(async (partitions: number) => {
      const grown = await stores().alone((log) => growTopics(log, partitions))
      process.stdout.write(
        `${grown.length} topics have ${partitions} partitions now. Start millrace again, without MILLRACE_PARTITIONS or with ` +
          `MILLRACE_PARTITIONS=${partitions}.\n`,
      )
    })
  return topics
}

/**
 * Events keep their partition from the raw topic to the sinks, so all topics grow together; the raw topic last: what it
 * takes in has somewhere to go. Cut short, it goes on where it was.
 * @returns names of the topics
 * @throws OperatorError where one has more partitions than that
 */
export async function growTopics(log: Log, partitions: number): Promise<readonly string[]> {
  const names = (await log.topics()).map(({ name }) => name)
  if (!names.includes(telemetryRaw.name)) throw new OperatorError('the log has no topics yet: start millrace once')
  await log.growTopics(
    names.filter((name) => name !== telemetryRaw.name),
    partitions,
  )
  await log.growTopics([telemetryRaw.name], partitions)
  return names
}

async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}

async function topicRows(log: Log): Promise<Rows> {
  const columns = [
    { name: 'topic', type: 'text' },
    ...['partitions', 'records', 'size_bytes'].map((name) => ({ name, type: 'bigint' })),
    { name: 'keeps', type: 'text' },
  ]
  const infos = [...(await log.topics())].sort((a, b) => (a.name < b.name ? -1 : 1))
  const rows = infos.map(({ name, partitions, bounds, sizeBytes, retentionMs, retentionBytes }) => {
    const records = bounds.reduce((sum, { begin, end }) => sum + end - begin, 0)
    const gigabytes = retentionBytes === null ? '' : ` or ${(retentionBytes / 2 ** 30).toFixed(0)} GiB`
    return [name, partitions, records, sizeBytes, `${Math.round(retentionMs / 3_600_000)} h${gigabytes}`]
  })
  return { columns, rows }
}

/**
 * Prints a topic's records as JSON, in order within each partition, until `stop` aborts or, with `flags.stop`, the end is
 * reached: an object for each event, for each export of the raw topic.
 * @throws OperatorError where there is no such topic, partition or place in it
 */
export async function tailTopic(
  log: Log,
  topic: string,
  flags: TopicTailFlags,
  print: (line: string) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const infos = await log.topics()
  const info = infos.find(({ name }) => name === topic)
  if (info === undefined) {
    throw new OperatorError(`there is no topic ${topic}: there are ${infos.map(({ name }) => name).join(', ')}`)
  }
  const { partition: only } = flags
  if (only !== undefined && only >= info.partitions) {
    throw new OperatorError(`${topic} has no partition ${only}: it has ${info.partitions}`)
  }
  const chosen = info.bounds.filter(({ partition }) => only === undefined || partition === only)
  const next = new Map<number, number>()
  for (const { partition } of chosen) next.set(partition, await startOf(log, topic, partition, flags.from))
  while (!stop.aborted) {
    let isAtEnd = true
    for (const [partition, offset] of next) {
      const records = await log.read(topic, partition, offset, { maxBytes: PAGE_BYTES })
      for (const record of records) {
        if (stop.aborted) return
        for (const row of rowsOf(log, record)) await print(JSON.stringify(row, asJson))
      }
      if (records.length === 0) continue
      isAtEnd = false
      next.set(partition, records[records.length - 1].offset + 1)
    }
    if (!isAtEnd) continue
    if (flags.stop) return
    await oneOf(log, topic, next, stop)
  }
}

/** Resolves when one of the partitions has more, or after a moment. */
async function oneOf(log: Log, topic: string, next: ReadonlyMap<number, number>, stop: AbortSignal): Promise<void> {
  const found = new AbortController()
  const signal = AbortSignal.any([stop, found.signal])
  const waits = [...next].map(([partition, offset]) => log.waitFor(topic, partition, offset, signal))
  await Promise.race([...waits, delay(POLL_MS, undefined, { signal }).catch(() => {})])
  found.abort()
  await Promise.all(waits)
}

async function startOf(log: Log, topic: string, partition: number, from: string): Promise<number> {
  const { begin, end } = await log.bounds(topic, partition)
  if (from === 'beginning') return begin
  if (from === 'end') return end
  if (/^\d{1,15}$/.test(from)) {
    const offset = Number(from)
    if (offset < begin || offset > end) {
      throw new OperatorError(`${topic}/${partition} has offsets ${begin} to ${end}, not ${offset}`)
    }
    return offset
  }
  const ago = parseAgo(from, Date.now())
  const micros = parseTimestamp(from)
  if (ago === null && micros === null) {
    throw new OperatorError(`--from ${from}: expected beginning, end, an offset, -15m, or a time`)
  }
  return log.offsetAt(topic, partition, ago ?? Number(micros! / 1000n))
}

/** The record's events as plain objects, nulls left out; a tick is one object without an event. */
function* rowsOf(log: Log, { topic, partition, offset, value }: LogRecord): Iterable<Record<string, unknown>> {
  const place = { log: log.id, topic, partition, offset, previous: -1 }
  const at = { _partition: partition, _offset: offset }
  try {
    if (topic === telemetryRaw.name) yield* exportsOf(rawRecordCodec.decode(value, place), at)
    else yield* eventsOf(eventBatchCodec.decode(value, place), at)
  } catch (error) {
    yield { ...at, unreadable: (error as Error).message, bytes: value }
  }
}

function* exportsOf(
  { exports, projectId, signal, receivedAt }: RawBatch,
  at: object,
): Iterable<Record<string, unknown>> {
  if (exports.length === 0) yield { ...at, tick: true, received_at: receivedAt }
  for (const { key, receivedAt, contentType, body, eventCount, refused } of exports) {
    const what = {
      content_type: contentType,
      body_bytes: body.length,
      event_count: eventCount,
      refused: refused.length,
    }
    yield { ...at, project_id: projectId, signal, key, received_at: receivedAt, ...what }
  }
}

function* eventsOf(batch: Batch, at: object): Iterable<Record<string, unknown>> {
  const { projectId, signal, receivedAt, eventCount, columns, outcomes, raw } = batch
  const common = {
    ...at,
    project_id: projectId,
    signal,
    received_at: receivedAt,
    _raw: `${raw.topic}/${raw.partition}@${raw.offset}`,
  }
  if (isTick(batch)) yield { ...at, tick: true, received_at: receivedAt }
  else if (eventCount === 0) yield { ...common, outcomes: Object.fromEntries(outcomes) }
  for (let row = 0; row < eventCount; row++) {
    const event: Record<string, Value> = {}
    for (const [name, column] of columns) {
      const value = valueAt(column, row)
      if (value !== null) event[name] = value
    }
    yield { ...common, ...event }
  }
}

/** Bytes in hexadecimal; whole numbers beyond 2^53, which JSON's readers would round, as text. */
function asJson(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const own = this[name]
  if (own instanceof Uint8Array) return Buffer.from(own).toString('hex')
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}
