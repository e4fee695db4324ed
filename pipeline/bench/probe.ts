/** How soon an event is in SQL once it was acknowledged. */
import { TEST_KEY } from '../../end_to_end/server.ts'
import type { BenchServer } from './server.ts'

/** @returns ms from the acknowledgement of an event to the first answer that has it, its own time included */
export async function visibleAfterMs(server: BenchServer, name: string): Promise<number> {
  const body = JSON.stringify({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: name, body: { stringValue: name } }] }] }],
  })
  const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
  const response = await fetch(`${server.otlpUrl}/v1/logs`, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(`the probe was answered ${response.status}`)
  const acknowledged = performance.now()
  for (;;) {
    const [[count]] = await server.query(
      `select count(*) from otel_logs_and_spans where name = '${name}' and timestamp > now() - interval '5 minutes'`,
    )
    if (Number(count) === 1) return performance.now() - acknowledged
  }
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
}
