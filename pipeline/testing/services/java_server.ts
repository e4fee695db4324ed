/** A server on the JVM that outlives neither us nor a `kill -9` of us, can be killed, and comes back as it was. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { InvariantError, OperatorError } from '../../errors/errors.ts'

/** A busy machine takes many times the few seconds it should. */
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 20_000
const POLL_MS = 50
/** Small, and quick to start: one thread to collect garbage, one compiler. */
const JVM = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/**
 * Says the server's pid, and kills it when our end of the pipe closes, however we end; then a folder that was only ours
 * goes too. A session of its own (setsid) keeps a terminal's Ctrl-C away from it.
 */
const GUARD = `
folder=$1; shift
exec 3<&0
"$@" 3<&- </dev/null >&2 & server=$!
echo "$server"
{ read -r _ <&3; trap '' TERM; kill -KILL "$server"; [ -z "$folder" ] || rm -rf "$folder"; } >/dev/null 2>&1 & guard=$!
wait "$server"; code=$?
kill "$guard" 2>/dev/null
exit "$code"`

export interface JavaServerOptions {
  /** In messages: "Kafka". */
  readonly name: string
  /** Where it runs, and where what it says (`server.log`) and its pid (`server.pid`) are written. */
  readonly folder: string
  /** Whether the folder goes when we are killed. */
  readonly temporary: boolean
  /** After `java` and the options for a small heap; a later option wins over an earlier one. */
  readonly args: readonly string[]
  /** Resolves where the server answers, rejects where it does not yet. */
  readonly answers: () => Promise<unknown>
}

/** What tests do to a server that runs. */
export interface Controls {
  /** Of the Java process. @throws InvariantError while it does not run */
  readonly pid: number
  /** Resolves with how it ended, of the process that runs now: "ended (SIGKILL)". */
  readonly ended: Promise<string>
  /** `kill -9`; returns when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same ports and data, after `kill -9` where it runs; returns when it answers. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

/** A new object of them: what a server has besides is assigned to it. */
export function controlsOf(server: JavaServer): Controls {
  return {
    get pid() {
      return server.pid
    },
    get ended() {
      return server.ended
    },
    kill: () => server.kill(),
    async restart() {
      await server.kill()
      await server.start()
    },
    pause: () => server.pause(),
    resume: () => server.resume(),
  }
}

export class JavaServer {
  readonly #options: JavaServerOptions
  readonly #log: string
  #pid: number | undefined
  #exited: Promise<string> = Promise.resolve('was not started')

  constructor(options: JavaServerOptions) {
    this.#options = options
    this.#log = join(options.folder, 'server.log')
  }

  /** Of the Java process. @throws InvariantError where it does not run */
  get pid(): number {
    if (this.#pid === undefined) throw new InvariantError(`${this.#options.name} does not run`)
    return this.#pid
  }

  /** Resolves with how it ended, of the process that runs now. */
  get ended(): Promise<string> {
    return this.#exited
  }

  /** Returns when it answers. @throws OperatorError with what it said last, where it does not within two minutes */
  async start(): Promise<void> {
    const { name, folder, temporary, args, answers } = this.#options
    if (this.#pid !== undefined) throw new InvariantError(`${name} runs already`)
    mkdirSync(folder, { recursive: true })
    const log = openSync(this.#log, 'w')
    const command = ['-c', GUARD, name, temporary ? folder : '', 'java', ...JVM, ...args]
    const guard = spawn('/bin/sh', command, { stdio: ['pipe', 'pipe', log], detached: true, cwd: folder })
    closeSync(log)
    guard.stdin!.on('error', () => {})
    let running = true
    this.#exited = new Promise((resolve) => {
      guard.once('error', (error) => resolve(`could not be run: ${error.message}`))
      guard.once('exit', (code, signal) => resolve(`ended (${signal ?? `code ${code}`})`))
    })
    this.#exited.then(() => {
      running = false
      this.#pid = undefined
    })
    const pid = Number(await firstLine(guard))
    if (running && pid > 0) {
      this.#pid = pid
      writeFileSync(join(folder, 'server.pid'), String(pid))
    }
    const deadline = performance.now() + START_TIMEOUT_MS
    for (;;) {
      const ready = await answers().then(
        () => true,
        () => false,
      )
      if (!running) throw new OperatorError(`${name} ${await this.#exited}: ${this.#said()}`)
      if (ready) return
      if (performance.now() > deadline) {
        await this.kill()
        throw new OperatorError(`${name} did not answer: ${this.#said()}`)
      }
      await delay(POLL_MS)
    }
  }

  /** `kill -9`, and waits for the end. Of one that does not run: nothing. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#exited
  }

  /** Asks it to end and waits for it, with `kill -9` after 20 s. */
  async stop(): Promise<void> {
    this.resume()
    this.#signal('SIGTERM')
    const timer = setTimeout(() => this.#signal('SIGKILL'), STOP_TIMEOUT_MS)
    await this.#exited
    clearTimeout(timer)
  }

  /** Stands still (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  /** Goes on (SIGCONT). */
  resume(): void {
    this.#signal('SIGCONT')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#pid === undefined) return
    try {
      process.kill(this.#pid, signal)
    } catch (error) {
      // It ended, and we have not been told yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #said(): string {
    return readFileSync(this.#log, 'utf8').trim().split('\n').slice(-10).join('\n') || 'it said nothing'
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text.split('\n', 1)[0])
    })
    child.stdout!.once('close', () => resolve(text))
  })
}
