/** The receiver's counters as metrics. */
import { SIGNALS } from '#pipeline/batch/batch.ts'
import type { MetricFamily } from '#pipeline/observability/prometheus.ts'
import type { Receiver } from './receiver.ts'
import type { SignalStats } from './stats.ts'

export function receiverMetrics(receiver: Receiver): readonly MetricFamily[] {
  const { stats, inFlightBytes } = receiver
  const bySignal = (name: string, help: string, pick: (signal: SignalStats) => number): MetricFamily => ({
    name: `millrace_receiver_${name}`,
    help,
    type: 'counter',
    samples: SIGNALS.map((signal) => ({ labels: { signal }, value: pick(stats.signals[signal]) })),
  })
  const byReason = (
    name: string,
    help: string,
    pick: (signal: SignalStats) => Partial<Record<string, number>>,
  ): MetricFamily => ({
    name: `millrace_receiver_${name}`,
    help,
    type: 'counter',
    samples: SIGNALS.flatMap((signal) =>
      Object.entries(pick(stats.signals[signal])).map(([reason, value]) => ({
        labels: { signal, reason },
        value: value ?? 0,
      })),
    ),
  })
  const total = (name: string, help: string, value: number): MetricFamily => ({
    name: `millrace_receiver_${name}`,
    help,
    type: 'counter',
    samples: [{ value }],
  })
  return [
    bySignal('exports_total', 'Exports acknowledged.', (signal) => signal.acceptedExports),
    bySignal('events_total', 'Events acknowledged.', (signal) => signal.acceptedEvents),
    bySignal('bytes_total', 'Bytes of acknowledged exports, uncompressed.', (signal) => signal.acceptedBytes),
    byReason('refused_events_total', 'Events left out of acknowledged exports.', (signal) => signal.refusedEvents),
    byReason('refused_exports_total', 'Exports refused as a whole.', (signal) => signal.refusedExports),
    total('appends_total', 'Appends to the log.', stats.appends),
    total('failed_appends_total', 'Appends to the log that failed.', stats.failedAppends),
    total('raw_records_total', 'Raw records appended.', stats.records),
    {
      name: 'millrace_receiver_in_flight_bytes',
      help: 'Exports being received or waiting for the log.',
      type: 'gauge',
      samples: [{ value: inFlightBytes }],
    },
  ]
}
