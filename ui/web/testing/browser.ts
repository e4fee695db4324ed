/** A real Chromium on a real server, for the tests of the page. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startServer, TEST_KEY, type TestServer } from '../../../end_to_end/server.ts'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
export const SCREENSHOTS = join(import.meta.dirname, '../screenshots')

/** The Chromium of this machine; `undefined` where it has none. */
export const chromiumPath = [process.env.CHROMIUM, ...CANDIDATES].find((path) => path !== undefined && existsSync(path))

/** Why the tests of the page cannot run; `false` where they can. With CI=true a skipped test is a failure. */
export const skip = chromiumPath === undefined && 'there is no Chromium: apt-get install chromium, or set CHROMIUM'

export interface Visit {
  readonly page: Page
  /** What the page wrote to its console as an error, and what it threw. */
  readonly errors: readonly string[]
}

export interface TestBrowser {
  readonly server: TestServer
  /** A page of a new visitor, signed in unless told otherwise. */
  visit(path: string, options?: { readonly theme?: 'dark' | 'light'; readonly signedIn?: boolean }): Promise<Visit>
  close(): Promise<void>
}

/** @param of a server that is there already; it is stopped with the browser */
export async function createTestBrowser(of?: TestServer): Promise<TestBrowser> {
  const server = of ?? (await startServer())
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath!, args: FLAGS })
  mkdirSync(SCREENSHOTS, { recursive: true })
  return {
    server,
    async visit(path, { theme = 'dark', signedIn = true } = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: theme })
      if (signedIn) {
        const headers = { 'sec-fetch-site': 'same-origin' }
        const answer = await context.request.post(`${server.httpUrl}/v1/session`, { data: { key: TEST_KEY }, headers })
        if (!answer.ok()) throw new Error(await answer.text())
      }
      const page = await context.newPage()
      const errors: string[] = []
      page.on('console', (message) => {
        // Not being signed in yet is an answer, not an error of the page.
        if (message.type() === 'error' && !/401|400/.test(message.text())) errors.push(message.text())
      })
      page.on('pageerror', (error) => void errors.push(error.message))
      await page.goto(server.httpUrl + path)
      return { page, errors }
    },
    async close() {
      await browser.close()
      await server.stop()
    },
  }
}

/** OTLP/HTTP JSON as any exporter would send it. */
export async function send(server: TestServer, signal: 'logs' | 'traces' | 'metrics', body: unknown): Promise<void> {
  const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
  const answer = await fetch(`${server.otlpUrl}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

type Attributes = Readonly<Record<string, string>>
const attributes = (of: Attributes) => Object.entries(of).map(([key, stringValue]) => ({ key, value: { stringValue } }))
const nanos = (ms: number) => String(BigInt(Math.round(ms * 1000)) * 1000n)

export interface SentLog {
  readonly body: string
  /** OTLP severity number: 9 INFO, 13 WARN, 17 ERROR. */
  readonly severity?: number
  readonly attributes?: Attributes
  readonly traceId?: string
  readonly spanId?: string
}

export function sendLogs(
  server: TestServer,
  service: string,
  logs: readonly SentLog[],
  atMs = Date.now(),
): Promise<void> {
  const logRecords = logs.map((log, at) => ({
    timeUnixNano: nanos(atMs + at / 1000),
    severityNumber: log.severity ?? 9,
    body: { stringValue: log.body },
    attributes: attributes(log.attributes ?? {}),
    traceId: log.traceId,
    spanId: log.spanId,
  }))
  const resource = { attributes: attributes({ 'service.name': service }) }
  return send(server, 'logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] })
}

export interface SentSpan {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
  /** After the start of the trace. */
  readonly fromMs: number
  readonly durationMs: number
  readonly failed?: boolean
}

export function sendSpans(
  server: TestServer,
  service: string,
  traceId: string,
  spans: readonly SentSpan[],
  atMs = Date.now(),
): Promise<void> {
  const sent = spans.map((span) => ({
    traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name,
    kind: 2,
    startTimeUnixNano: nanos(atMs + span.fromMs),
    endTimeUnixNano: nanos(atMs + span.fromMs + span.durationMs),
    status: span.failed ? { code: 2, message: 'no answer' } : {},
  }))
  const resource = { attributes: attributes({ 'service.name': service }) }
  return send(server, 'traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: sent }] }] })
}
