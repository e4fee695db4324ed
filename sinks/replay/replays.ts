/** Replays, as those see them who list and steer them: everything goes through the catalogue, and is done elsewhere. */
import { setTimeout as delay } from 'node:timers/promises'
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { Bounds, EventLog } from '#pipeline/log/log.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { fingerprint } from '#pipeline/replay/fingerprint.ts'
import { FusedStages, sourceOf } from '#pipeline/replay/fused_stages.ts'
import type { RecordSource } from '#pipeline/replay/replay.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import type { BeginWith, Generation, GenerationState, Replays } from '#schemas/replays.ts'
import { lakeGroup } from '../lake/paths.ts'
import {
  addGeneration,
  askComparison,
  type CataloguedGeneration,
  getGeneration,
  listCatalogue,
  moveGeneration,
  type NewGeneration,
} from '../postgres/catalogue.ts'
import { areLive } from '../postgres/generations.ts'
import type { Projection } from '../postgres/projection.ts'
import { originsIn } from './comparison.ts'
import type { LiveLake } from './live_lake.ts'

export interface ReplaysOptions {
  readonly database: Database
  readonly topology: Topology
  readonly projections: readonly Projection[]
  /** What is replayed: the log, or what an archive makes of it. */
  readonly source: RecordSource
  readonly log: Pick<EventLog, 'id' | 'topics' | 'positions'>
  readonly live: LiveLake
  /** Ids of other logs that the live lake has events of. */
  readonly otherLogs: () => Promise<readonly string[]>
  /** How long an answer is waited for, ms; what was asked goes on in any case. */
  readonly waitMs?: number
}

const CARRIED = 'Begin with an offset or a time, and older rows are carried over from the live one'
const FROM_BEGINNING = 'Begin at the beginning'
const LOOK_MS = 100
const WAIT_MS = 120_000

export function createReplays(options: ReplaysOptions): Replays {
  const { database, topology, projections, source, log, live, waitMs = WAIT_MS } = options
  const topic = sourceOf(topology).name

  async function bounds(): Promise<readonly Bounds[]> {
    const info = (await log.topics()).find(({ name }) => name === topic)
    return Promise.all((info?.bounds ?? []).map(({ partition }) => source.bounds(topic, partition)))
  }

  /** By partition, the first offset to replay, and up to which origin what is before is carried over. */
  async function beginAt(beginWith: BeginWith): Promise<Pick<NewGeneration, 'beginOffsets' | 'carriedTo'>> {
    const held = await bounds()
    const asked = await Promise.all(held.map((partition) => beginIn(partition, beginWith)))
    if (beginWith.kind === 'beginning') return { beginOffsets: asked, carriedTo: null }
    // What is before is taken from the live lake, which must have it.
    const carriedTo = originsIn(await log.positions(lakeGroup(live.generation)), held)
    const beginOffsets = asked.map((offset, partition) =>
      Math.max(held[partition].begin, Math.min(offset, carriedTo[partition] + 1)),
    )
    return { beginOffsets, carriedTo }
  }

  function beginIn({ partition, begin, end }: Bounds, beginWith: BeginWith): Promise<number> | number {
    switch (beginWith.kind) {
      case 'beginning':
        return begin
      case 'time':
        return source.offsetAt(topic, partition, beginWith.timeMs)
      case 'offset':
        if (beginWith.offset >= begin && beginWith.offset <= end) return beginWith.offset
        throw new OperatorError(`${topic}/${partition} holds offsets ${begin} to ${end}, not ${beginWith.offset}`)
    }
  }

  async function missing(beginWith: BeginWith): Promise<readonly string[]> {
    if (beginWith.kind !== 'beginning') {
      const { remembering } = new FusedStages(topology, 0, { warn() {} })
      return remembering.map((stage) => `what stage ${stage} remembers from before: it begins with nothing`)
    }
    const trimmed = (await bounds()).filter(({ begin }) => begin > 0)
    const gone = await Promise.all(
      trimmed.map(async ({ partition, begin }) => {
        const [first] = await source.read(topic, partition, begin, { maxBytes: 1, maxRecords: 1 })
        const since = first === undefined ? '' : `, received before ${new Date(first.timestamp).toISOString()}`
        return `what became of the ${begin} records before offset ${begin} of ${topic}/${partition}${since}: the log does not hold them any more`
      }),
    )
    const logs = (await options.otherLogs()).map(
      (id) => `what was received in another log (${id}): this one (${source.id}) never held it`,
    )
    return [...gone, ...logs]
  }

  async function start({ beginWith, acceptMissing }: Parameters<Replays['start']>[0]): Promise<Generation> {
    const gone = await missing(beginWith)
    if (gone.length > 0 && !acceptMissing) {
      throw new OperatorError(
        `the new generation would be without ${gone.join('; and ')}. ${beginWith.kind === 'beginning' ? CARRIED : FROM_BEGINNING}, ` +
          'or say that it may be missing (--accept-missing)',
      )
    }
    return addGeneration(database, projections, {
      beginWith,
      ...(await beginAt(beginWith)),
      stages: fingerprint(topology),
      // They are sums over everything: what is made from a part is wrong, and better kept, unless it cannot be used.
      withProjections: beginWith.kind === 'beginning' && (gone.length === 0 || !(await areLive(database, projections))),
    })
  }

  async function settled(
    generation: number,
    isSettled: (found: CataloguedGeneration | undefined) => boolean,
  ): Promise<CataloguedGeneration | undefined> {
    const deadlineMs = performance.now() + waitMs
    for (;;) {
      const found = (await listCatalogue(database)).find((each) => each.generation === generation)
      if (isSettled(found)) return found
      if (performance.now() > deadlineMs) {
        throw new TransientError(`generation ${generation} is still at it: look again with millrace replay list`)
      }
      await delay(LOOK_MS)
    }
  }

  /** @throws OperatorError where it is in another state than these */
  async function move(generation: number, from: readonly GenerationState[], to: GenerationState): Promise<void> {
    if (await moveGeneration(database, generation, from, to)) return
    const { state, progress } = await getGeneration(database, generation)
    const left = progress === null ? '' : ` (${progress.recordsTotal - progress.records} records to go)`
    const why: Partial<Record<GenerationState, string>> = {
      running: `is being filled${left}: wait until it has caught up`,
      live: 'is the live one',
      retired: 'was live before: what came since is not in it. Start another replay',
      failed: 'has failed: discard it and start another',
    }
    throw new OperatorError(`generation ${generation} ${why[state] ?? `is ${state.replaceAll('_', ' ')}`}`)
  }

  return {
    list: () => listCatalogue(database),
    missing,
    start,
    async compare(generation) {
      const { state } = await getGeneration(database, generation)
      if (state !== 'running' && state !== 'caught_up') {
        throw new OperatorError(`generation ${generation} is ${state}: only what is being replayed is compared`)
      }
      await askComparison(database, generation)
      const found = (await settled(generation, (each) => each?.compareAskedAt === null || each === undefined))!
      if (found.reason !== null) throw new OperatorError(found.reason)
      return found
    },
    async flip(generation, keep) {
      await move(generation, ['caught_up', 'flipping'], 'flipping')
      const found = await settled(generation, (each) => each?.state !== 'flipping')
      if (found?.state !== 'live') throw new OperatorError(found?.reason ?? `generation ${generation} is gone`)
      await live.refresh()
      if (keep !== undefined) {
        const retired = (await listCatalogue(database)).filter(({ state }) => state === 'retired')
        for (const { generation: old } of retired.slice(keep)) {
          await moveGeneration(database, old, ['retired'], 'discarding')
        }
      }
      return found
    },
    async discard(generation) {
      const before = await getGeneration(database, generation)
      await move(generation, ['running', 'caught_up', 'retired', 'failed', 'discarding'], 'discarding')
      // Statements may still read from one that was live: it goes a little later.
      if (before.retiredAt === null) await settled(generation, (each) => each === undefined)
    },
  }
}
