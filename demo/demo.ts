/**
 * `npm run demo`: a millrace of its own in a temporary folder, a shop that sends it real telemetry, and questions
 * answered in SQL. At a terminal the page opens in the browser and the shop goes on until Ctrl-C. Leaves nothing behind.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '#ui/cli/ask.ts'
import { render } from '#ui/cli/render.ts'
import { startServer, TEST_KEY, type TestServer } from '../end_to_end/server.ts'
import { openBrowser } from './browser.ts'
import { QUESTIONS } from './questions.ts'
import { createShop } from './shop.ts'

const OPEN_MS = Number(process.env.DEMO_SECONDS ?? 8) * 1000
const MINUTE_MS = 60_000
/** How long the shop's exporters may take to send what is left. */
const LAST_EXPORT_MS = 3_000
/** How long the server may take to finish what is in flight. */
const MAX_STOP_MS = 10_000

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const isWatched = process.stdout.isTTY === true

const interrupted = new AbortController()
const { signal } = interrupted
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())

let server: TestServer | null = null
try {
  // In a process group of its own: a Ctrl-C is for us, who close the shop before the server.
  server = await startServer({ signal, detached: true })
  await show(server)
} catch (error) {
  if (!signal.aborted) throw error
} finally {
  setTimeout(() => void server?.stop('SIGKILL'), MAX_STOP_MS)
  await server?.stop()
}
say(signal.aborted ? '\nThe demo is over, and nothing of it is left.' : 'Start your own with npm start.')
process.exit()

async function show(millrace: TestServer): Promise<void> {
  say(`millrace is ready after ${millrace.readySeconds.toFixed(1)} s: OTLP/HTTP on ${millrace.otlpUrl}\n`)
  if (isWatched) await openPage(millrace)
  // Where nobody watches, a whole minute of the shop's passes in the time there is.
  const shop = createShop({ url: millrace.otlpUrl, key: TEST_KEY, minuteMs: isWatched ? MINUTE_MS : OPEN_MS })
  const closing = AbortSignal.any(isWatched ? [signal] : [signal, AbortSignal.timeout(OPEN_MS)])
  say('the shop is open: five services, traces, logs and metrics by the official OpenTelemetry SDK')
  const trading = shop.open(closing)
  if (isWatched) await delay(OPEN_MS, undefined, { signal }).catch(() => {})
  else await trading.then(() => shop.close(LAST_EXPORT_MS))
  if (!signal.aborted) {
    say(`${shop.orders} orders were taken\n`)
    await visible(millrace)
  }
  for (const [question, sql] of QUESTIONS) {
    if (signal.aborted) break
    say(`— ${question}\n${sql}\n`)
    say(render(await ask({ url: millrace.httpUrl, key: TEST_KEY }, sql), 'table'))
  }
  if (!isWatched) return
  if (!signal.aborted) say('The shop stays open: a slow spell, a burst and an incident every minute. Ctrl-C ends it.')
  await trading
  await shop.close(LAST_EXPORT_MS)
}

/** Opens the page signed in, by a code that works once; and says where it is, for those without a display. */
async function openPage({ httpUrl }: TestServer): Promise<void> {
  const headers = { authorization: `Bearer ${TEST_KEY}` }
  const answer = await fetch(`${httpUrl}/v1/session/code`, { method: 'POST', headers })
  const { code } = (await answer.json()) as { code: string }
  const isOpen = await openBrowser(`${httpUrl}/#code=${code}`)
  say(`${isOpen ? 'The page opens in your browser:' : 'Watch it live:'} ${httpUrl}   sign in with ${TEST_KEY}\n`)
}

/** What is acknowledged is in SQL within a second. */
async function visible({ query }: TestServer): Promise<void> {
  const count = async () => Number((await query('select count(*) from otel_logs_and_spans'))[0][0])
  for (let before = -1, now = await count(); now === 0 || (!isWatched && now !== before); ) {
    if (signal.aborted) return
    await delay(300)
    before = now
    now = await count()
  }
}
