/** What the process itself does: event loop, memory, CPU. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MetricFamily } from './prometheus.ts'

const RESOLUTION_MS = 5

export interface ProcessMetrics {
  /** Since the last call. */
  families(): readonly MetricFamily[]
  close(): void
}

export function createProcessMetrics(): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  return {
    families() {
      // The histogram measures the interval between its own ticks: what is over the resolution is the delay.
      const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3)
      const quantiles = [0.5, 0.99, 1].map((quantile) => ({
        labels: { quantile: String(quantile) },
        value: delay.count === 0 ? 0 : seconds(quantile === 1 ? delay.max : delay.percentile(quantile * 100)),
      }))
      delay.reset()
      const { rss, heapUsed } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      return [
        {
          name: 'millrace_event_loop_delay_seconds',
          help: 'Delay of the main thread since the last scrape.',
          type: 'gauge',
          samples: quantiles,
        },
        {
          name: 'process_resident_memory_bytes',
          help: 'Resident memory of the main process.',
          type: 'gauge',
          samples: [{ value: rss }],
        },
        {
          name: 'nodejs_heap_used_bytes',
          help: 'JavaScript heap in use.',
          type: 'gauge',
          samples: [{ value: heapUsed }],
        },
        {
          name: 'process_cpu_seconds_total',
          help: 'CPU time of the main process, all threads.',
          type: 'counter',
          samples: [{ value: (user + system) / 1e6 }],
        },
      ]
    },
    close: () => delay.disable(),
  }
}
