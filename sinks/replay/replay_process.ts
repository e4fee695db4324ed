/**
 * The process that replays, seen from its parent: started for one generation, started again when it ends without having
 * said why. It has a low priority: what comes in goes first.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { TransientError } from '#pipeline/errors/errors.ts'
import { type FromWorker, type ToWorker, TRY_AGAIN } from './messages.ts'

export interface ReplayProcessOptions {
  /** The module to run, as a file URL: it calls `serveReplay`. */
  readonly module: string
  /** Handed to it as they are. */
  readonly settings: unknown
  readonly generation: number
  readonly warn: (message: string) => void
}

export interface ReplayProcess {
  readonly generation: number
  readonly pid: number | undefined
  /** @throws TransientError where the process is not there, or ended over it; Error with its sentence */
  reach(origins: readonly number[]): Promise<void>
  compare(): Promise<void>
  close(): Promise<void>
}

const LAST_PAUSE_MS = 10_000
/** One that has run for so long failed for another reason than the one before. */
const SETTLED_MS = 30_000
const CLOSE_MS = 10_000

interface Waiting {
  done(): void
  failed(error: Error): void
}

export function createReplayProcess({ module, settings, generation, warn }: ReplayProcessOptions): ReplayProcess {
  const closing = new AbortController()
  const waiting = new Map<number, Waiting>()
  let child: ChildProcess | undefined
  let asked = 0

  async function keep(): Promise<void> {
    for (let pauseMs = 100; !closing.signal.aborted; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
      const startedMs = performance.now()
      const code = await run()
      for (const { failed } of waiting.values()) failed(new TransientError('the replay is being started again'))
      waiting.clear()
      // It has said in the catalogue how it ended.
      if (code === 0 || closing.signal.aborted) return
      if (code !== TRY_AGAIN) warn(`the replay of generation ${generation} ended (${code}); starting it again`)
      if (performance.now() - startedMs > SETTLED_MS) pauseMs = 100
      await delay(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  function run(): Promise<number | string> {
    const started = fork(new URL(module), { serialization: 'advanced' })
    child = started
    started.on('message', receive)
    return new Promise((resolve) => {
      started.on('error', (error) => resolve(error.message))
      started.on('exit', (code, signal) => resolve(signal ?? code ?? 'no code'))
      send({ kind: 'start', generation, settings })
    })
  }

  function receive(message: FromWorker): void {
    if (message.kind === 'warning') {
      warn(`replay: ${message.message}`)
      return
    }
    const answer = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'done') answer?.done()
    else answer?.failed(new Error(message.message))
  }

  function send(message: ToWorker): void {
    // A process that is just ending takes no messages; what was asked fails when it has ended.
    if (child?.connected) child.send(message, () => {})
  }

  function ask(message: { kind: 'reach'; origins: readonly number[] } | { kind: 'compare' }): Promise<void> {
    const id = ++asked
    return new Promise((done, failed) => {
      if (!child?.connected) return failed(new TransientError('the replay is being started'))
      waiting.set(id, { done, failed })
      send({ ...message, id })
    })
  }

  const kept = keep()
  return {
    generation,
    get pid() {
      return child?.pid
    },
    reach: (origins) => ask({ kind: 'reach', origins }),
    compare: () => ask({ kind: 'compare' }),
    async close() {
      closing.abort()
      // It lets its writers go when nobody is connected any more.
      if (child?.connected) child.disconnect()
      const timer = setTimeout(() => child?.kill('SIGKILL'), CLOSE_MS)
      await kept
      clearTimeout(timer)
    },
  }
}
