/** What the receiver has done since it started. Plain numbers, read by `/metrics`. */
import { SIGNALS, type Signal } from '#pipeline/batch/batch.ts'
import type { RefusalReason } from '#schemas/otlp/inspect.ts'
import type { RefusalKind } from './refusal.ts'

export interface SignalStats {
  acceptedExports: number
  /** Without those refused one by one. */
  acceptedEvents: number
  /** Of bodies, uncompressed. */
  acceptedBytes: number
  /** Events left out of accepted exports. */
  readonly refusedEvents: Partial<Record<RefusalReason | 'quota', number>>
  /** Exports refused as a whole. */
  readonly refusedExports: Partial<Record<RefusalKind, number>>
}

export interface ReceiverStats {
  readonly signals: Readonly<Record<Signal, SignalStats>>
  /** Requests refused before it was known what they carry: unknown paths and the like. */
  readonly refusedRequests: Partial<Record<RefusalKind, number>>
  /** Awaited appends to the log, and raw records in them, ticks not counted. */
  appends: number
  failedAppends: number
  records: number
  ticks: number
}

export function newReceiverStats(): ReceiverStats {
  const signal = (): SignalStats => ({
    acceptedExports: 0,
    acceptedEvents: 0,
    acceptedBytes: 0,
    refusedEvents: {},
    refusedExports: {},
  })
  const signals = Object.fromEntries(SIGNALS.map((name) => [name, signal()])) as Record<Signal, SignalStats>
  return { signals, refusedRequests: {}, appends: 0, failedAppends: 0, records: 0, ticks: 0 }
}

/** Adds to one of the counts by reason. */
export function count<K extends string>(counts: Partial<Record<K, number>>, reason: K, by = 1): void {
  counts[reason] = (counts[reason] ?? 0) + by
}
