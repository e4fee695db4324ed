/** The metadata as the owner uses it: what is asked while the worker is busy goes to it together. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { FencedError, OperatorError, TransientError } from '../../errors/errors.ts'
import type { Commit, Metadata } from './metadata.ts'
import type { Answer, Method, Request } from './metadata_worker.ts'

type Result<M extends Method> = ReturnType<Metadata[M]>

/** Each caller waits for its answer, so only a great many callers at once come here. */
export const WAITING_LIMIT = 10_000

interface Asked {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

export class MetadataClient {
  readonly #worker: Worker
  readonly #asked = new Map<number, Asked>()
  #waiting: Request[] = []
  #busy = true
  #lastId = 0
  #closed: Error | null = null

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answers: Answer[]) => this.#settle(answers))
    worker.on('error', (cause) =>
      this.#fail(new TransientError(`the metadata worker failed: ${cause.message}`, { cause })),
    )
    worker.on('exit', () => this.#fail(new TransientError('the log is closed')))
  }

  /** @throws OperatorError where the file cannot be used */
  static async open(path: string): Promise<{ client: MetadataClient; logId: string }> {
    const worker = new Worker(new URL('./metadata_worker.ts', import.meta.url), { workerData: { path } })
    const client = new MetadataClient(worker)
    // The worker sends the log's id, as the answer to request 0, once it has the file open.
    const logId = await new Promise<string>((resolve, reject) => client.#asked.set(0, { resolve, reject } as Asked))
    return { client, logId }
  }

  /** Why nothing is answered any more; `null` as long as it is. */
  get broken(): string | null {
    return this.#closed?.message ?? null
  }

  call<M extends Method>(method: M, ...args: Parameters<Metadata[M]>): Promise<Result<M>> {
    return this.#ask((id) => ({ id, method, args }))
  }

  /** @throws FencedError where the generation is over; TransientError where it could not be stored */
  commit(commit: Commit): Promise<void> {
    return this.#ask((id) => ({ id, commit }))
  }

  #ask<T>(request: (id: number) => Request): Promise<T> {
    if (this.#closed !== null) return Promise.reject(this.#closed)
    if (this.#waiting.length >= WAITING_LIMIT) {
      return Promise.reject(new TransientError(`overloaded: ${WAITING_LIMIT} requests wait for the log's metadata`))
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#asked.set(id, { resolve, reject } as Asked)
      this.#waiting.push(request(id))
      this.#send()
    })
  }

  #send(): void {
    if (this.#busy || this.#waiting.length === 0) return
    this.#busy = true
    this.#worker.postMessage(this.#waiting.splice(0))
  }

  #settle(answers: readonly Answer[]): void {
    for (const { id, value, error } of answers) {
      const asked = this.#asked.get(id)!
      this.#asked.delete(id)
      if (error === undefined) asked.resolve(value as never)
      else asked.reject(revived(error))
    }
    this.#busy = false
    this.#send()
  }

  #fail(error: Error): void {
    this.#closed ??= error
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }

  /** Waits for what has been asked, then ends the worker. */
  async close(): Promise<void> {
    if (this.#closed !== null) return
    await this.call('groups').catch(() => {})
    const exited = once(this.#worker, 'exit')
    this.#worker.postMessage('close')
    await exited
  }
}

function revived({ name, message }: { name: string; message: string }): Error {
  if (name === 'FencedError') return new FencedError(message)
  if (name === 'OperatorError') return new OperatorError(message)
  return new TransientError(`the log's metadata could not be stored: ${message}`)
}
