/**
 * The worker that owns the metadata file, so that a sync or a checkpoint never holds up the main thread.
 * It gets requests in lists, and answers each list with one message.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type Commit, Metadata } from './metadata.ts'

/** Methods of {@link Metadata} that can be asked for. */
export type Method = Exclude<keyof Metadata, 'close' | 'commit'>
export type Request =
  | { readonly id: number; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly id: number; readonly commit: Commit }

/** Errors cross threads as name and message: cloning would lose their class. */
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: { readonly name: string; readonly message: string }
}

if (parentPort !== null) serve(parentPort)

function serve(port: NonNullable<typeof parentPort>): void {
  let metadata: Metadata
  try {
    metadata = Metadata.open(workerData.path, 'create')
    port.postMessage([{ id: 0, value: metadata.logId() }] satisfies Answer[])
  } catch (error) {
    port.postMessage([failure(0, error)])
    return
  }
  port.on('message', (requests: readonly Request[] | 'close') => {
    if (requests === 'close') {
      metadata.close()
      port.close()
    } else port.postMessage(answer(metadata, requests))
  })
}

/** Answers in order; commits that stand next to each other share a transaction. */
function answer(metadata: Metadata, requests: readonly Request[]): Answer[] {
  const answers: Answer[] = []
  for (let at = 0; at < requests.length; ) {
    const run: { id: number; commit: Commit }[] = []
    for (let next = requests[at]; next !== undefined && 'commit' in next; next = requests[++at]) run.push(next)
    if (run.length > 0) answers.push(...answerCommits(metadata, run))
    const request = requests[at]
    if (request !== undefined && 'method' in request) {
      answers.push(answerCall(metadata, request))
      at++
    }
  }
  return answers
}

function answerCommits(metadata: Metadata, run: readonly { id: number; commit: Commit }[]): Answer[] {
  try {
    const errors = metadata.commit(run.map(({ commit }) => commit))
    return run.map(({ id }, index) => (errors[index] === null ? { id } : failure(id, errors[index])))
  } catch (error) {
    return run.map(({ id }) => failure(id, error))
  }
}

function answerCall(metadata: Metadata, { id, method, args }: Extract<Request, { method: Method }>): Answer {
  try {
    const call = metadata[method] as (...args: readonly unknown[]) => unknown
    return { id, value: call.apply(metadata, args as unknown[]) }
  } catch (error) {
    return failure(id, error)
  }
}

function failure(id: number, error: unknown): Answer {
  const { name, message } = error as Error
  return { id, error: { name, message } }
}
