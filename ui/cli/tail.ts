/** Follows a running millrace's events, over `/v1/tail`, and comes back after a lost connection where it was. */
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { OperatorError } from '#pipeline/errors/errors.ts'

export interface TailFlags {
  /** `-15m`, or a time; without it only what comes from now on. */
  readonly from?: string | undefined
  readonly format: 'text' | 'json'
}

export type TailRow = Readonly<Record<string, unknown>>

interface Frame {
  readonly rows?: readonly TailRow[]
  readonly skipped?: number
  readonly position?: string
  readonly error?: { readonly code: string; readonly message: string; readonly position?: number }
}

/** Ends of a connection after which another try makes sense. */
type End = { readonly lost: string } | { readonly refused: string }

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000

/**
 * Prints rows until `stop` aborts. @param write takes whole lines
 * @throws OperatorError with the server's sentence where it refuses
 */
export async function tail(
  target: { readonly url: string; readonly key: string },
  filter: string,
  { from, format }: TailFlags,
  write: (text: string) => void,
  stop: AbortSignal,
): Promise<void> {
  let position: string | undefined
  let waitMs = FIRST_RETRY_MS
  const take = (frame: Frame): void => {
    if ((frame.skipped ?? 0) > 0) write(`… ${frame.skipped} rows left out here: too many at a time\n`)
    write(
      (frame.rows ?? []).map((row) => (format === 'json' ? `${JSON.stringify(row)}\n` : `${rowLine(row)}\n`)).join(''),
    )
    position = frame.position ?? position
    waitMs = FIRST_RETRY_MS
  }
  while (!stop.aborted) {
    const parameters = new URLSearchParams({ filter })
    if (position !== undefined) parameters.set('resume', position)
    else if (from !== undefined) parameters.set('from', from)
    const end = await follow(target, parameters, take, stop)
    if (stop.aborted) return
    if ('refused' in end) throw new OperatorError(end.refused)
    process.stderr.write(`${end.lost}; trying again\n`)
    await delay(waitMs, undefined, { signal: stop }).catch(() => {})
    waitMs = Math.min(LAST_RETRY_MS, waitMs * 2)
  }
}

/** One connection, to its end. */
function follow(
  { url, key }: { readonly url: string; readonly key: string },
  parameters: URLSearchParams,
  take: (frame: Frame) => void,
  stop: AbortSignal,
): Promise<End> {
  const address = `${url.replace(/^http/, 'ws')}/v1/tail?${parameters}`
  const socket = new WebSocket(address, { headers: { authorization: `Bearer ${key}` } })
  const halt = () => socket.terminate()
  stop.addEventListener('abort', halt)
  return new Promise<End>((resolve) => {
    let refusal: string | undefined
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as Frame
      if (frame.error === undefined) take(frame)
      else refusal = frame.error.message
    })
    socket.on('unexpected-response', async (_, response) => {
      const body = Buffer.concat(await response.toArray()).toString()
      const sentence = /"detail":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? `answered ${response.statusCode}`
      resolve(response.statusCode! >= 500 ? { lost: sentence } : { refused: sentence })
    })
    socket.on('error', (error) => resolve({ lost: `no answer from ${url}: ${error.message}` }))
    socket.on('close', (code) => {
      const reason = refusal ?? 'the connection was lost'
      resolve(code === 1008 ? { refused: reason } : { lost: reason })
    })
  }).finally(() => stop.removeEventListener('abort', halt))
}

/** `12:00:00.123 ERROR checkout  POST /cart 41.2 ms  key=value …`, one line whatever the sender put in. */
export function rowLine(row: TailRow): string {
  const time = String(row.timestamp ?? '').slice(11, 23)
  const level = String(row.level ?? (row.kind === 'log' ? '' : (row.kind ?? ''))).padEnd(8)
  const duration = row.duration === undefined ? [] : [`${(Number(row.duration) / 1e6).toFixed(1)} ms`]
  const title = [row.name ?? row.metric_name, row.value, textOf(row.body)].filter((part) => part !== undefined)
  const attributes = Object.entries((row.attributes ?? {}) as object).map(([key, value]) => `${key}=${textOf(value)}`)
  const parts = [time, level, row.resource___service___name ?? '-', ...title, ...duration, ...attributes]
  // What came from a sender must not steer the terminal.
  return parts.join(' ').replaceAll(/\p{Cc}/gu, (control) => (control === '\n' ? '↵' : '·'))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'object' ? JSON.stringify(value) : value === undefined ? undefined : String(value)
}
