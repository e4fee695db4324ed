/**
 * Batches of log events as the topology hands them to the sink: for tests and benchmarks. Each log is about 300 bytes
 * of OTLP: a body, six attributes, random trace and span ids; a hundred logs share a resource.
 */
import type { Batch, Origin } from '#pipeline/batch/batch.ts'
import { DictionaryBuilder, LongBuilder } from '#pipeline/batch/builder.ts'
import { type Column, constantText } from '#pipeline/batch/column.ts'

export const LOG_ID = 'ab000000-0000-4000-8000-000000000000'

export interface SampleOptions {
  readonly rows: number
  readonly projectId?: string
  readonly offset?: number
  readonly partition?: number
  /** Microseconds since 1970. */
  readonly receivedAt?: number
  readonly seed?: number
}

export function sampleLogs({
  rows,
  projectId = '11111111-2222-4333-8444-555555555555',
  offset = 0,
  partition = 0,
  receivedAt = Date.UTC(2026, 2, 4, 12) * 1000,
  seed = offset * 31 + partition,
}: SampleOptions): Batch {
  const random = mulberry32(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const hex = (digits: number) => {
    let text = ''
    while (text.length < digits) text += below(0x10000).toString(16).padStart(4, '0')
    return text
  }
  const columns = new Map<string, Column>()
  const text = (name: string, of: (row: number) => string, type: 'text' | 'json' = 'text') => {
    const builder = new DictionaryBuilder(type)
    for (let row = 0; row < rows; row++) builder.setText(row, of(row))
    columns.set(name, builder.finish(rows))
  }
  const long = (name: string, of: (row: number) => number) => {
    const builder = new LongBuilder()
    for (let row = 0; row < rows; row++) builder.setNumber(row, of(row))
    columns.set(name, builder.finish(rows))
  }
  let time = receivedAt - 50_000
  long('timestamp', () => (time += below(50)))
  long('timestamp_nanos', () => 0)
  long('observed_timestamp', () => receivedAt - below(1000))
  text('kind', () => 'log')
  const levels = ['INFO', 'INFO', 'INFO', 'WARN', 'ERROR', 'DEBUG']
  const level = Array.from({ length: rows }, () => below(levels.length))
  text('level', (row) => levels[level[row]])
  text('severity___severity_text', (row) => levels[level[row]])
  long('severity___severity_number', (row) => [9, 9, 9, 13, 17, 5][level[row]])
  const route = Array.from({ length: rows }, () => below(20))
  const status = Array.from({ length: rows }, () => [200, 200, 200, 404, 500][below(5)])
  text('body', (row) => `"GET /api/v1/orders/${route[row]} finished with ${status[row]} in ${below(900)} ms"`, 'json')
  text('context___trace_id', () => hex(32))
  const spans = Array.from({ length: rows }, () => hex(16))
  text('context___span_id', (row) => spans[row])
  text('parent_id', (row) => spans[row])
  text('hashes', (row) => `["pat:${(route[row] * 7919).toString(16).padStart(16, '0')}"]`, 'json')
  text('attributes___http___request___method', () => 'GET')
  long('attributes___http___response___status_code', (row) => status[row])
  text('attributes___url___path', (row) => `/api/v1/orders/${route[row]}`)
  text('attributes___user___id', () => `user-${below(5000)}`)
  text('attributes.shop.region', () => ['eu-west', 'eu-north', 'us-east'][below(3)])
  text('attributes.cart.size', () => String(below(12)))
  const resource = (row: number) => Math.floor(row / 100) % 8
  text('resource___service___name', (row) => `checkout-${resource(row) % 3}`)
  text('resource___service___version', () => '1.14.2')
  text('resource___deployment___environment___name', () => 'production')
  text('resource.host.name', (row) => `node-${resource(row)}.internal`)
  text('resource.k8s.pod.name', (row) => `checkout-7d9f8b6c5d-${resource(row)}`)
  text('resource.process.pid', (row) => String(4000 + resource(row)))
  text('resource.os.type', () => 'linux')
  columns.set('scope___name', constantText('text', 'checkout.http', rows))
  long('message_size_bytes', () => 280 + below(40))
  const place = { log: LOG_ID, topic: 'telemetry.raw.v1', partition, offset }
  const origin: Origin = { ...place, previous: offset - 1 }
  return {
    contract: 1,
    projectId,
    signal: 'logs',
    receivedAt,
    eventCount: rows,
    origin,
    raw: place,
    receivedBytes: 0,
    outcomes: new Map(),
    columns,
  }
}

/** A small seeded generator (Tommy Ettinger's mulberry32), so that a failure can be run again. */
export function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
