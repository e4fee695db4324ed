/** Raw records for tests, as a receiver would write them. */
import type { Signal } from '#pipeline/batch/batch.ts'
import type { RawBatch, Export as RawExport } from '../../raw_record.ts'
import type { LogsExport, MetricsExport, TracesExport } from '../otlp.ts'
import { type Export, eventsOf } from './by_value.ts'
import { encodeLogs, encodeMetrics, encodeTraces } from './encode.ts'

const LOG_ID = '5eed0000-0000-4000-8000-000000000000'
/** 2026-01-01. */
export const START_MICROS = 1_767_225_600_000_000

export function encodeExport(request: Export, signal: Signal): Uint8Array {
  if (signal === 'logs') return encodeLogs(request as LogsExport)
  return signal === 'traces' ? encodeTraces(request as TracesExport) : encodeMetrics(request as MetricsExport)
}

/** An export of protobuf whose key is made of `key`. */
export function rawExport(request: Export, signal: Signal, key = 1, changes: Partial<RawExport> = {}): RawExport {
  return {
    key: Buffer.alloc(16, key),
    receivedAt: START_MICROS,
    contentType: 'application/x-protobuf',
    body: encodeExport(request, signal),
    eventCount: eventsOf(request, signal).length,
    refused: [],
    ...changes,
  }
}

/** The record at `offset`, received that many seconds into 2026. */
export function rawBatch(signal: Signal, exports: readonly RawExport[], offset = 0): RawBatch {
  const place = { log: LOG_ID, topic: 'telemetry.raw.v1', partition: 0, offset }
  return {
    projectId: 'project',
    signal,
    receivedAt: START_MICROS + offset * 1_000_000,
    exports,
    eventCount: exports.reduce((total, part) => total + part.eventCount, 0),
    origin: { ...place, previous: offset - 1 },
    raw: place,
  }
}
