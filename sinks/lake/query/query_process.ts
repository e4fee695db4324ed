/**
 * SQL in a process of its own, so that a statement that takes all memory or trips over a fault of DuckDB's takes
 * neither network nor stages with it. When it dies, the statements in it fail with an error that says to try again, and
 * a new one is started at once.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { OperatorError } from '#pipeline/errors/errors.ts'
import {
  QueryError,
  type QueryRequest,
  type QueryResult,
  type StatementDescription,
  type StatementService,
} from '#schemas/query.ts'
import { PageStream } from './page_stream.ts'
import { cancelled, unavailable } from './problems.ts'
import { type ChildConfig, type FromChild, PAGES_IN_FLIGHT, type ToChild } from './protocol.ts'

export interface QueryProcessOptions extends Partial<Omit<ChildConfig, 'sources' | 'settings' | 'tempDirectory'>> {
  readonly sources: string
  readonly settings: unknown
  readonly tempDirectory: string
  /** Statements at work at a time. One whose reader has pages unread is not at work: it waits for nobody but him. */
  readonly maxRunning?: number
  /** Statements that wait for their readers; beyond that they count as at work. */
  readonly maxStalled?: number
  /** Statements waiting for their turn; beyond that they are refused. */
  readonly maxQueued?: number
  /** Rows of an answer where the request says nothing, and the most it may say. */
  readonly maxRows?: number
  readonly maxRowsAsked?: number
  /** The most a statement may take. */
  readonly timeoutMs?: number
  /** JavaScript heap of the process; the tail's batches lie outside of it. */
  readonly heapBytes?: number
  readonly warn?: (message: string) => void
}

export interface QueryHealth {
  readonly ready: boolean
  readonly pid: number | undefined
  readonly restarts: number
  readonly running: number
  readonly queued: number
}

export interface QueryProcess extends StatementService {
  health(): QueryHealth
  /**
   * Reads from other sources, opened by the same module with these settings. Resolves when statements asked from now on do;
   * those at work finish with what they began with.
   */
  use(settings: unknown): Promise<void>
  close(): Promise<void>
}

/** A statement from `query` or `describe` to its end. */
interface Job {
  readonly id: number
  readonly kind: 'query' | 'describe'
  readonly request: QueryRequest
  readonly deadlineMs: number
  readonly stream: PageStream
  /** Settles the promise `query` or `describe` gave. */
  readonly accepted: (answer: QueryResult & StatementDescription) => void
  readonly refused: (error: QueryError) => void
  guard: NodeJS.Timeout | undefined
  /** Pages its reader has not taken yet. */
  unread: number
}

/** A process that has not answered this long after it should have interrupted a statement is taken for hung. */
const GRACE_MS = 2000
const FIRST_RESTART_MS = 50
const LAST_RESTART_MS = 5000
const MIB = 2 ** 20

/** Resolves once statements can be run. @throws OperatorError where log or lake cannot be opened */
export async function createQueryProcess(options: QueryProcessOptions): Promise<QueryProcess> {
  const supervisor = new Supervisor(options)
  try {
    await supervisor.start()
  } catch (cause) {
    await supervisor.close()
    throw cause
  }
  return supervisor
}

class Supervisor implements QueryProcess {
  readonly #options: QueryProcessOptions
  #config: ChildConfig
  /** Those who wait until other sources are in use. */
  #switching: (() => void)[] = []
  readonly #maxRunning: number
  readonly #maxStalled: number
  readonly #jobs = new Map<number, Job>()
  readonly #queue: Job[] = []
  #child: ChildProcess | undefined
  #ready = false
  #closed = false
  #restarts = 0
  #restartMs = 0
  #restartTimer: NodeJS.Timeout | undefined
  #nextId = 1

  constructor(options: QueryProcessOptions) {
    this.#options = options
    this.#maxRunning = options.maxRunning ?? 4
    this.#maxStalled = options.maxStalled ?? 16
    this.#config = {
      sources: options.sources,
      settings: options.settings,
      tempDirectory: options.tempDirectory,
      // Each statement may be of another project.
      maxInstances: Math.max(options.maxInstances ?? 8, this.#maxRunning + this.#maxStalled),
      instanceMemoryBytes: options.instanceMemoryBytes ?? 512 * MIB,
      instanceTempBytes: options.instanceTempBytes ?? 2048 * MIB,
      instanceThreads: options.instanceThreads ?? 2,
      tailMaxBytes: options.tailMaxBytes ?? 256 * MIB,
      tailMaxRecords: options.tailMaxRecords ?? 200_000,
    }
  }

  /** @throws OperatorError where the process says it cannot work */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = fork(new URL('./child.ts', import.meta.url), {
        serialization: 'advanced',
        execArgv: [`--max-old-space-size=${Math.ceil((this.#options.heapBytes ?? 1024 * MIB) / MIB)}`],
        // DuckDB holds a thread of this pool for each statement; parsing the next one needs another.
        env: { ...process.env, UV_THREADPOOL_SIZE: String(this.#maxRunning + this.#maxStalled + 4) },
      })
      this.#child = child
      child.on('message', (message: FromChild) => {
        if (message.kind === 'ready') {
          this.#ready = true
          this.#restartMs = 0
          resolve()
          this.#switched()
          this.#dispatch()
        } else if (message.kind === 'using') this.#switched()
        else if (message.kind === 'failed') {
          reject(new OperatorError(`SQL cannot start: ${message.message}`))
          child.kill('SIGKILL')
        } else this.#receive(message)
      })
      child.on('error', (cause) => reject(cause))
      child.on('exit', (code, signal) => {
        reject(new OperatorError(`the SQL process ended (${signal ?? code}) before it was ready`))
        if (this.#child === child) this.#ended(signal ?? `code ${code}`)
      })
      this.#send({ kind: 'start', config: this.#config })
    })
  }

  query(request: QueryRequest): Promise<QueryResult> {
    return this.#submit('query', request)
  }

  describe(request: QueryRequest): Promise<StatementDescription> {
    return this.#submit('describe', request)
  }

  #submit(kind: Job['kind'], request: QueryRequest): Promise<QueryResult & StatementDescription> {
    if (this.#closed || !this.#ready) return Promise.reject(unavailable('57P03', 'SQL is starting; try again'))
    if (request.signal?.aborted) return Promise.reject(cancelled())
    if (!this.#hasTurn() && this.#queue.length >= (this.#options.maxQueued ?? 64)) {
      const message = `${this.#queue.length} statements are waiting already; try again`
      return Promise.reject(new QueryError({ fault: 'overload', code: '53300', message }))
    }
    const boundMs = this.#options.timeoutMs ?? 30_000
    const timeoutMs = Math.min(request.timeoutMs ?? boundMs, boundMs)
    const id = this.#nextId++
    return new Promise((accepted, refused) => {
      const stream = new PageStream({
        taken: () => {
          job.unread--
          this.#send({ kind: 'credit', id })
        },
        stopped: () => this.#cancel(job),
      })
      const deadlineMs = performance.now() + timeoutMs
      const job: Job = { id, kind, request, deadlineMs, stream, accepted, refused, guard: undefined, unread: 0 }
      request.signal?.addEventListener('abort', () => this.#cancel(job), { once: true })
      // Covers waiting in the queue, and a process that does not interrupt the statement itself.
      job.guard = setTimeout(() => this.#overdue(job, timeoutMs), timeoutMs + GRACE_MS)
      this.#queue.push(job)
      this.#dispatch()
    })
  }

  async use(settings: unknown): Promise<void> {
    this.#config = { ...this.#config, settings }
    // One that is being started was told the settings before.
    if (!this.#ready) this.#child?.kill('SIGKILL')
    await new Promise<void>((resolve) => {
      this.#switching.push(resolve)
      this.#send({ kind: 'use', settings })
    })
  }

  #switched(): void {
    for (const resolve of this.#switching.splice(0)) resolve()
  }

  health(): QueryHealth {
    return {
      ready: this.#ready,
      pid: this.#child?.pid,
      restarts: this.#restarts,
      running: this.#jobs.size,
      queued: this.#queue.length,
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#restartTimer)
    this.#switched()
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    await new Promise((resolve) => {
      child.once('exit', resolve)
      child.kill('SIGKILL')
    })
  }

  /** True where one more statement may go to work. */
  #hasTurn(): boolean {
    let stalled = 0
    for (const job of this.#jobs.values()) if (job.unread >= PAGES_IN_FLIGHT) stalled++
    return this.#jobs.size - Math.min(stalled, this.#maxStalled) < this.#maxRunning
  }

  #dispatch(): void {
    while (this.#ready && this.#hasTurn()) {
      const job = this.#queue.shift()
      if (job === undefined) return
      const timeoutMs = Math.ceil(job.deadlineMs - performance.now())
      if (timeoutMs <= 0) {
        this.#fail(job, new QueryError({ fault: 'timeout', code: '57014', message: 'the statement waited too long' }))
        continue
      }
      this.#jobs.set(job.id, job)
      const { projectId, projectName, sql, params = [], parameterTypes = [] } = job.request
      const most = this.#options.maxRowsAsked ?? 1_000_000
      const maxRows = Math.min(job.request.maxRows ?? this.#options.maxRows ?? 10_000, most)
      const request = { projectId, projectName, sql, params, parameterTypes, maxRows, timeoutMs }
      this.#send({ kind: job.kind, id: job.id, request })
    }
  }

  #receive(message: Exclude<FromChild, { kind: 'ready' | 'using' | 'failed' }>): void {
    const job = this.#jobs.get(message.id)
    if (job === undefined) return
    switch (message.kind) {
      case 'columns':
        job.accepted({ columns: message.columns, asOf: message.asOf, parameters: [], pages: job.stream })
        break
      case 'description':
        this.#finish(job)
        job.accepted({ ...message.description, asOf: [], pages: job.stream })
        break
      case 'page':
        job.unread++
        job.stream.push(message.rows)
        if (job.unread >= PAGES_IN_FLIGHT) this.#dispatch()
        break
      case 'end':
        this.#finish(job)
        job.stream.end(message.truncated)
        break
      case 'problem':
        this.#fail(job, new QueryError(message.problem))
    }
  }

  #cancel(job: Job): void {
    if (this.#jobs.has(job.id)) this.#send({ kind: 'cancel', id: job.id })
    else if (this.#queue.includes(job)) this.#fail(job, cancelled())
  }

  #overdue(job: Job, timeoutMs: number): void {
    const hung = this.#jobs.has(job.id)
    const message = `the statement took longer than ${timeoutMs} ms`
    this.#fail(job, new QueryError({ fault: 'timeout', code: '57014', message }))
    if (!hung) return
    this.#options.warn?.(`a statement could not be interrupted within ${GRACE_MS} ms: restarting SQL`)
    this.#child?.kill('SIGKILL')
  }

  #fail(job: Job, error: QueryError): void {
    this.#finish(job)
    job.refused(error)
    job.stream.fail(error)
  }

  #finish(job: Job): void {
    clearTimeout(job.guard)
    const waiting = this.#queue.indexOf(job)
    if (waiting >= 0) this.#queue.splice(waiting, 1)
    if (this.#jobs.delete(job.id)) this.#dispatch()
  }

  #ended(reason: string): void {
    this.#ready = false
    this.#child = undefined
    const lost = [...this.#jobs.values(), ...this.#queue]
    this.#queue.length = 0
    for (const job of lost) this.#fail(job, unavailable('57P02', 'the SQL process ended; try again'))
    if (this.#closed) return
    this.#restarts++
    this.#options.warn?.(`the SQL process ended (${reason}); starting another`)
    this.#restartTimer = setTimeout(() => {
      // A start that fails ends the process, which brings us here again, a little later each time.
      this.start().catch((cause: Error) => this.#options.warn?.(cause.message))
    }, this.#restartMs)
    this.#restartMs = Math.min(Math.max(this.#restartMs * 2, FIRST_RESTART_MS), LAST_RESTART_MS)
  }

  #send(message: ToChild): void {
    // A process that is just ending takes no messages; its jobs fail when it has ended.
    if (this.#child?.connected) this.#child.send(message, () => {})
  }
}
