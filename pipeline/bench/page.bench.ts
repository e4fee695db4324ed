/** What the page keeps while it follows 2,000 events/s for BENCH_MINUTES (10): its heap after a collection, each minute. */
import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession } from 'playwright-core'
import { createTestBrowser, sendLogs } from '#ui/web/testing/browser.ts'
import { watchMainThread } from '#ui/web/testing/main_thread.ts'
import { atMost, type Figure, type Scenario } from './figure.ts'
import { startBenchServer } from './server.ts'

const RATE = 2_000
const MINUTE_MS = 60_000
const CPU_SAMPLE_MS = 5_000

interface Sample {
  readonly heapMb: number
  /** Elements and texts, those that are no longer in the document included. */
  readonly nodes: number
  readonly listeners: number
  /** Rows in the list, and of those in the document. */
  readonly listed: number
  readonly drawn: number
  /** Share of a core that the main thread takes. */
  readonly cpu: number
}

export const page: Scenario = async () => {
  const minutes = Number(process.env.BENCH_MINUTES ?? 10)
  const server = await startBenchServer()
  const browser = await createTestBrowser(server)
  await sendLogs(server, 'bench', [{ body: 'first' }])
  const { page: opened, errors } = await browser.visit('/events?range=-15m')
  await opened.locator('.grid .row').first().waitFor()
  const devtools = await opened.context().newCDPSession(opened)
  await devtools.send('Performance.enable')
  const load = server.load({
    signal: 'logs',
    batch: 100,
    events: RATE * 60 * minutes,
    rate: RATE,
    connections: 2,
  })
  const samples: Sample[] = []
  const started = performance.now()
  for (let minute = 1; minute <= minutes; minute++) {
    await delay(started + minute * MINUTE_MS - CPU_SAMPLE_MS - performance.now())
    const mainThread = await watchMainThread(opened)
    await delay(CPU_SAMPLE_MS)
    const cpu = (await mainThread()).total / CPU_SAMPLE_MS
    const drawn = await opened.locator('.grid .row').count()
    const listed = Number(await opened.locator('.grid').getAttribute('aria-rowcount'))
    const sample = { ...(await memory(devtools)), drawn, listed, cpu }
    samples.push(sample)
    console.log(
      `minute ${minute}: heap ${sample.heapMb.toFixed(1)} MB, ${sample.nodes} nodes, ${sample.listeners} listeners, ${listed} rows listed, ${drawn} drawn, main thread ${(cpu * 100).toFixed(0)} % of a core`,
    )
  }
  const { events, refused } = await load
  await browser.close()
  if (errors.length > 0) throw new Error(errors.join('\n'))
  return figures(minutes, samples, `${events} events, ${refused} refused`)
}

/** After what nobody can reach any more has been taken away. */
async function memory(devtools: CDPSession): Promise<Pick<Sample, 'heapMb' | 'nodes' | 'listeners'>> {
  await devtools.send('HeapProfiler.collectGarbage')
  const { metrics } = await devtools.send('Performance.getMetrics')
  const of = (name: string) => metrics.find((metric) => metric.name === name)!.value
  return { heapMb: of('JSHeapUsedSize') / 1e6, nodes: of('Nodes'), listeners: of('JSEventListeners') }
}

function figures(minutes: number, samples: readonly Sample[], sent: string): Figure[] {
  const heaps = samples.map(({ heapMb }) => heapMb)
  const mean = (from: number, to: number) => heaps.slice(from, to).reduce((sum, heap) => sum + heap, 0) / (to - from)
  const third = Math.max(1, Math.floor(heaps.length / 3))
  const growth = mean(heaps.length - third, heaps.length) / mean(third, 2 * third)
  const detail = `by minute ${heaps.map((heap) => heap.toFixed(1)).join(', ')} MB; ${sent}`
  return [
    atMost(`heap of the page, ${minutes} minutes at 2,000 events/s, highest`, Math.max(...heaps), 'MB', 100, detail),
    atMost('the same, mean of the last third to that of the second', growth, '×', 1.1, detail),
    atMost('rows in the document', Math.max(...samples.map(({ drawn }) => drawn)), '', 80),
  ]
}
