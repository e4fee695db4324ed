/** The thread that writes the lake: Parquet and zstd block, so they must not run where the network is served. */
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '#sinks/store/open_store.ts'
import { LakeMaintenance } from '../compaction/maintenance.ts'
import { LakeWriter } from './lake_writer.ts'
import { type Question, type Reply, type Request, sentError, type WriterSettings } from './messages.ts'
import { fromTransfer } from './transfer.ts'

const TICK_MS = 1000

const { store: settings, limits } = workerData as WriterSettings
const port = parentPort!
const say = (reply: Reply) => port.postMessage(reply)
const store = await openStore(settings)
const now = Date.now
const warn = (what: string, error: unknown) => say({ kind: 'warning', what, error: sentError(error) })
const maintenance = new LakeMaintenance({ store, now, failed: (key, error) => warn(`cannot tidy ${key}`, error) })
const writer = new LakeWriter({
  store,
  now,
  limits,
  committed: ({ key, table }, version) => maintenance.committed(key, table, version),
  failed: ({ key }, error) => warn(`cannot store ${key}`, error),
})

const sayReached = () => say({ kind: 'reached', reached: writer.flushed(), failing: writer.failing })

giveWay()
sayReached()

setInterval(() => {
  writer.tick()
  sayReached()
}, TICK_MS)

port.on('message', (request: Request) => {
  if (request.kind === 'expire') return maintenance.expire(request.retentions)
  const work = workFor(request)
  work.then(
    () => {
      if (request.kind === 'flush') sayReached()
      say({ kind: 'done', id: request.id })
    },
    (error) => say({ kind: 'failed', id: request.id, error: sentError(error) }),
  )
})

function workFor(question: Question): Promise<void> {
  switch (question.kind) {
    case 'add':
      return writer.add(fromTransfer(question.batch))
    case 'flush':
      return writer.flush()
    case 'rest':
      return maintenance.rest()
  }
}

/**
 * Lowers this thread's priority, and that of the threads it starts (DuckDB's): on a machine with few cores whoever waits for
 * an acknowledgement goes first. Linux has priorities by thread (setpriority(2)); elsewhere it stays as it is.
 */
function giveWay(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    setPriority(thread, 5)
  } catch {
    // Without it everything works, only with longer pauses.
  }
}
