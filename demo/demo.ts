/**
 * `npm run demo`: a millrace of its own in a temporary folder, a shop that sends it real telemetry, and questions
 * answered in SQL. At a terminal it stays open to be watched, until Ctrl-C. Leaves nothing behind.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '#ui/cli/ask.ts'
import { render } from '#ui/cli/render.ts'
import { startServer, TEST_KEY } from '../end_to_end/server.ts'
import { createShop } from './shop.ts'

const OPEN_MS = Number(process.env.DEMO_SECONDS ?? 8) * 1000

const QUESTIONS: readonly (readonly [question: string, sql: string])[] = [
  [
    'What came in?',
    `select kind, count(*) as events, count(distinct resource___service___name) as services, min(timestamp) as first, max(timestamp) as last
from otel_logs_and_spans group by kind order by events desc`,
  ],
  [
    'How do the services do?',
    `select resource___service___name as service, count(*) as requests,
  round(approx_percentile(0.5, percentile_agg(duration)) / 1e6, 1) as p50_ms, round(approx_percentile(0.99, percentile_agg(duration)) / 1e6, 1) as p99_ms,
  sum(case when status_code = 'ERROR' then 1 else 0 end) as failed
from otel_logs_and_spans where kind = 'server' group by 1 order by requests desc`,
  ],
  [
    'Which errors are there, by fingerprint?',
    `select errors->0->>'fingerprint' as fingerprint, min(errors->0->>'type') as type, min(errors->0->>'message') as example, count(*) as times
from otel_logs_and_spans where errors is not null and kind = 'log' group by 1 order by times desc limit 5`,
  ],
  [
    'Where did the slowest order spend its time?',
    `with slowest as (select context___trace_id as trace from otel_logs_and_spans where name = 'POST /order' order by duration desc limit 1)
select resource___service___name as service, name, round(duration / 1e6, 1) as ms
from otel_logs_and_spans join slowest on context___trace_id = trace where kind <> 'log' order by timestamp, duration desc`,
  ],
  [
    'How many requests per route and status, from the metrics?',
    `select attributes->>'http.route' as route, attributes___http___response___status_code as status, max(value) as requests
from otel_metrics where metric_name = 'http.server.requests' group by 1, 2 order by 3 desc limit 6`,
  ],
]

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const server = await startServer()
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
try {
  say(
    `millrace is ready after ${server.readySeconds.toFixed(1)} s: OTLP/HTTP on ${server.otlpUrl}, API on ${server.httpUrl}`,
  )
  const shop = createShop({ url: server.otlpUrl, key: TEST_KEY })
  const closing = AbortSignal.any([AbortSignal.timeout(OPEN_MS), interrupted.signal])
  say(
    `the shop is open for ${OPEN_MS / 1000} s: five services, traces, logs and metrics by the official OpenTelemetry SDK`,
  )
  await shop.open(closing)
  await shop.close()
  say(`${shop.orders} orders were taken\n`)
  await visible()
  for (const [question, sql] of QUESTIONS) {
    if (interrupted.signal.aborted) break
    say(`— ${question}\n${sql}\n`)
    say(render(await ask({ url: server.httpUrl, key: TEST_KEY }, sql), 'table'))
  }
  if (process.stdout.isTTY && !interrupted.signal.aborted) await stayOpen()
  say('Start your own with npm start.')
} finally {
  await server.stop()
}

/** For a person at a terminal: the shop goes on until Ctrl-C, to be watched. */
async function stayOpen(): Promise<void> {
  say(`The shop opens again, until Ctrl-C. Watch it live:\n\n  ${server.httpUrl}   sign in with ${TEST_KEY}\n`)
  const shop = createShop({ url: server.otlpUrl, key: TEST_KEY })
  await shop.open(interrupted.signal)
  await shop.close()
}

/** What is acknowledged is in SQL within a second; the shop has sent all it had. */
async function visible(): Promise<void> {
  for (let before = -1; ; ) {
    const [[count]] = await server.query('select count(*) from otel_logs_and_spans')
    if (Number(count) > 0 && Number(count) === before) return
    before = Number(count)
    await delay(300)
  }
}
