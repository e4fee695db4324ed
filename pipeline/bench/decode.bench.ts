/**
 * What the first stages cost: `node pipeline/bench/decode.bench.ts`. Log events of about 320 bytes, 6 attributes each, 7
 * resource attributes a 100 events, 2,000 events a record (and 20, where the cost of a batch shows). One thread.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import { eventBatchCodec } from '#schemas/event_batch.ts'
import { benchLogs } from '#schemas/otlp/testing/bench_payload.ts'
import { rawBatch, rawExport } from '#schemas/otlp/testing/raw.ts'
import { type RawBatch, rawRecordCodec } from '#schemas/raw_record.ts'
import { fingerprint } from '../../topologies/fingerprint_errors/fingerprint_errors.ts'
import { flatten } from '../../topologies/flatten_attributes/flatten_attributes.ts'
import { PROMOTED, targetsOf } from '../../topologies/flatten_attributes/promotion.ts'
import { ExportWindow } from '../../topologies/normalize/export_window.ts'
import { normalizeRecord } from '../../topologies/normalize/normalize.ts'

const ROUND_MS = 700
const ROUNDS = 5
const targets = targetsOf('logs', PROMOTED)

/** CPU microseconds an event of the quickest round: what the work takes where nothing disturbs it. */
function measure(events: number, work: (round: number) => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round <= ROUNDS; round++) {
    const cpu = process.cpuUsage()
    const until = performance.now() + ROUND_MS
    let runs = 0
    while (performance.now() < until) work(runs++)
    const { user, system } = process.cpuUsage(cpu)
    // The first round warms up.
    if (round > 0) best = Math.min(best, (user + system) / (runs * events))
  }
  return best
}

function bench(resources: number, logsEach: number): void {
  const events = resources * logsEach
  const place = { log: '5eed', topic: 'telemetry.raw.v1', partition: 0, offset: 0, previous: -1 }
  const raws = [1, 2, 3, 4].map((seed): RawBatch => {
    const record = rawBatch('logs', [rawExport(benchLogs(resources, logsEach, seed), 'logs')])
    return rawRecordCodec.decode(rawRecordCodec.encode(record, 1), place)
  })
  const pick = <T>(values: readonly T[], round: number): T => values[round % values.length]
  const through = (batch: Batch): Batch => eventBatchCodec.decode(eventBatchCodec.encode(batch, 1), place)
  const decoded = raws.map((raw) => normalizeRecord(raw, new ExportWindow(1, 1)))
  const normalized = decoded.map(through)
  const flattened = normalized.map((batch) => through(flatten(batch, targets)))
  const done = flattened.map((batch) => fingerprint(batch))
  const encoded = done.map((batch) => eventBatchCodec.encode(batch, 1))

  const steps = {
    'normalize (wire to columns)': (round: number) => normalizeRecord(pick(raws, round), new ExportWindow(1, 1)),
    flatten_attributes: (round: number) => flatten(pick(normalized, round), targets),
    fingerprint_errors: (round: number) => fingerprint(pick(flattened, round)),
    'Avro encode, one hop': (round: number) => eventBatchCodec.encode(pick(done, round), 1),
    'Avro decode, one hop': (round: number) => eventBatchCodec.decode(pick(encoded, round), place),
  }
  console.log(`\n${events} events a record, ${Math.round(raws[0].exports[0].body.length / events)} bytes an event`)
  for (const [name, work] of Object.entries(steps)) {
    const micros = measure(events, work)
    const perSecond = Math.round(1e6 / micros).toLocaleString('en')
    console.log(
      `${name.padEnd(30)} ${micros.toFixed(2).padStart(6)} µs/event  ${perSecond.padStart(12)} events/CPU-second`,
    )
  }
}

if (process.argv[2] !== 'small') bench(20, 100)
bench(1, 20)
