/** The process that replays, from within: one generation, from where its sinks stand to where the source ends, and on. */
import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { sourceOf } from '#pipeline/replay/fused_stages.ts'
import { type RecordSource, type Replay, type ReplayStates, startReplay, type Target } from '#pipeline/replay/replay.ts'
import type { Sink } from '#pipeline/stage/sink.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { Comparison } from '#schemas/replays.ts'
import type { CataloguedGeneration } from '../postgres/catalogue.ts'
import {
  getGeneration,
  moveGeneration,
  readReached,
  saveComparison,
  saveProgress,
  saveReached,
} from '../postgres/catalogue.ts'
import { type FromWorker, type ToWorker, TRY_AGAIN } from './messages.ts'
import { ProgressMeter } from './progress_meter.ts'

/** What the worker works on; opened in its own process. */
export interface WorkerParts {
  readonly topology: Topology
  readonly source: RecordSource
  readonly database: Database
  /** Of stages, for this generation. */
  states(generation: number): ReplayStates
  /** Before the first record: what the generation takes over from the live one. */
  carryOver(generation: CataloguedGeneration, doing: (what: string) => void): Promise<void>
  compare(generation: CataloguedGeneration, replay: Replay): Promise<Comparison>
  close(): Promise<void>
}

const PROGRESS_MS = 1_000
/** As `nice`: a tenth of a core where what comes in wants it all. */
const NICE = 10

const say = (message: FromWorker) => {
  // The parent may be gone: then `disconnect` ends this process.
  if (process.connected) process.send!(message)
}

/** Runs the worker in this process: to be called by the module that the parent names. */
export function serveReplay(open: (settings: unknown) => Promise<WorkerParts>): void {
  let worker: Worker | undefined
  const end = async (code: number) => {
    await worker?.close().catch(() => {})
    process.exit(code)
  }
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') {
      void run(open, message, (made) => {
        worker = made
      }).then(end)
      return
    }
    const work = message.kind === 'reach' ? worker?.reach(message.origins) : worker?.compare()
    const answer = work ?? Promise.reject(new TransientError('the replay is being started'))
    answer.then(
      () => say({ kind: 'done', id: message.id }),
      (error: Error) => say({ kind: 'failed', id: message.id, message: error.message }),
    )
  })
  process.on('disconnect', () => void end(0))
  // Ctrl-C reaches the whole process group; the parent decides when this one ends.
  process.on('SIGINT', () => {})
}

/** @returns the code to exit with */
async function run(
  open: (settings: unknown) => Promise<WorkerParts>,
  { generation, settings }: Extract<ToWorker, { kind: 'start' }>,
  made: (worker: Worker) => void,
): Promise<number> {
  let parts: WorkerParts | undefined
  try {
    parts = await open(settings)
    const worker = new Worker(parts, await getGeneration(parts.database, generation))
    made(worker)
    await worker.run()
    return 0
  } catch (error) {
    const { message } = error as Error
    say({ kind: 'warning', message })
    if (parts === undefined || error instanceof TransientError) return TRY_AGAIN
    try {
      await moveGeneration(parts.database, generation, ['running', 'caught_up', 'flipping'], 'failed', message)
      return 0
    } catch {
      return TRY_AGAIN
    }
  }
}

class Worker {
  readonly #parts: WorkerParts
  readonly #generation: CataloguedGeneration
  readonly #stop = new AbortController()
  readonly #meter = new ProgressMeter()
  #targets: readonly Target[] = []
  #replay: Replay | undefined

  constructor(parts: WorkerParts, generation: CataloguedGeneration) {
    this.#parts = parts
    this.#generation = generation
  }

  /** Runs until it is closed. @throws what broke the replay off */
  async run(): Promise<void> {
    const { topology, source, states, carryOver } = this.#parts
    const { generation, beginOffsets, carriedTo } = this.#generation
    const begin = beginOffsets ?? []
    await carryOver(this.#generation, (doing) => void this.#tell(doing))
    const stored = await this.#stored(begin.length)
    lowerPriority()
    this.#targets = await this.#open()
    this.#replay = await startReplay({
      topology,
      source,
      targets: this.#targets,
      begin,
      carriedTo,
      stored,
      states: states(generation),
      logger: { warn: (...what: unknown[]) => say({ kind: 'warning', message: what.map(textOf).join(' ') }) },
    })
    const telling = this.#keepTelling(this.#replay)
    try {
      await Promise.race([this.#replay.ended, telling])
    } finally {
      this.#stop.abort()
    }
  }

  async reach(origins: readonly number[]): Promise<void> {
    if (this.#replay === undefined) throw new TransientError('the replay is being started')
    await this.#replay.reach(origins)
    await this.#saveReached()
  }

  async compare(): Promise<void> {
    if (this.#replay === undefined) throw new TransientError('the replay is being started')
    const compared = await this.#parts.compare(this.#generation, this.#replay)
    await saveComparison(this.#parts.database, this.#generation.generation, compared)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#replay?.close()
    await this.#parts.close()
  }

  /** The sinks that have a part of their own in this generation. */
  #sinks(): readonly Sink[] {
    const { generation, lake, projections } = this.#generation
    const numbers: Readonly<Record<string, number>> = { lake, postgres: projections }
    return this.#parts.topology.sinks.filter(
      ({ name, openGeneration }) => openGeneration !== undefined && (numbers[name] ?? generation) === generation,
    )
  }

  async #open(): Promise<readonly Target[]> {
    const { generation } = this.#generation
    const opened = this.#sinks().map(async (sink) => ({ sink, writer: await sink.openGeneration!(generation) }))
    return Promise.all(opened)
  }

  /** By partition, the origin up to which every sink has it all. */
  async #stored(partitions: number): Promise<(number | null)[]> {
    const { database, source } = this.#parts
    const { generation } = this.#generation
    const each = await Promise.all(this.#sinks().map(({ name }) => readReached(database, name, generation, source.id)))
    return Array.from({ length: partitions }, (_, partition) => {
      const reached = each.map((positions) => positions.get(partition))
      return reached.includes(undefined) ? null : Math.min(...(reached as number[]))
    })
  }

  async #keepTelling(replay: Replay): Promise<never> {
    let isCaughtUp = false
    for (;;) {
      await delay(PROGRESS_MS, undefined, { signal: this.#stop.signal }).catch(() => {})
      if (this.#stop.signal.aborted) return new Promise(() => {})
      await this.#saveReached()
      const now = await replay.progress()
      const { database } = this.#parts
      const { generation } = this.#generation
      await saveProgress(database, generation, this.#meter.measured(now, performance.now()))
      if (!now.caughtUp || isCaughtUp) continue
      await this.reach(now.partitions.map(({ at }) => at - 1))
      await moveGeneration(database, generation, ['running'], 'caught_up')
      isCaughtUp = true
    }
  }

  async #tell(doing: string): Promise<void> {
    await saveProgress(this.#parts.database, this.#generation.generation, this.#meter.before(doing))
  }

  /** For sinks whose storage does not say by itself how far it has come. */
  async #saveReached(): Promise<void> {
    const { database, topology, source } = this.#parts
    const topic = sourceOf(topology).name
    const { beginOffsets, generation } = this.#generation
    for (const { sink, writer } of this.#targets) {
      if (sink.name !== 'lake') continue
      const positions = (beginOffsets ?? []).flatMap((_, partition) => {
        const reached = writer.storedUpTo(partition)
        return reached < 0 ? [] : [{ log: source.id, topic, partition, reached }]
      })
      await saveReached(database, sink.name, generation, positions)
    }
  }
}

/** Of this thread and those it starts from here on: the lake's. Being started is not put off. */
function lowerPriority(): void {
  try {
    setPriority(NICE)
  } catch {
    // Without it everything works; it only takes more from what comes in.
  }
}

function textOf(what: unknown): string {
  return typeof what === 'string' ? what : JSON.stringify(what)
}
