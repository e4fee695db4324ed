/**
 * Does what the catalogue of generations says is to be done, in the process that writes the sinks: runs the replay that is
 * under way, flips to it, takes away what is discarded. What is cut short by a crash is in the catalogue, and is gone on
 * with at the next start.
 */
import { TransientError } from '#pipeline/errors/errors.ts'
import type { EventLog, Position } from '#pipeline/log/log.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import type { LakeStorage } from '../lake/generations/storage.ts'
import { lakeGroup } from '../lake/paths.ts'
import {
  type CataloguedGeneration,
  GENERATIONS_CHANGED,
  listCatalogue,
  moveGeneration,
  saveComparison,
  saveSize,
} from '../postgres/catalogue.ts'
import { dropGeneration, swapGeneration } from '../postgres/generations.ts'
import type { Projection } from '../postgres/projection.ts'
import { originsIn } from './comparison.ts'
import type { LiveLake } from './live_lake.ts'
import type { ReplayProcess } from './replay_process.ts'

export interface ControllerOptions {
  readonly database: Database
  readonly log: Pick<EventLog, 'id' | 'positions' | 'groups' | 'join' | 'deleteGroup'>
  readonly projections: readonly Projection[]
  /** The topic that the lake is made from. */
  readonly topic: string
  readonly live: LiveLake
  /** Starts the process that replays. */
  readonly replay: (generation: number) => ReplayProcess
  readonly storage: Pick<LakeStorage, 'remove' | 'sizeBytes'>
  readonly warn: (message: string) => void
  /** Statements on a generation that was live may still run so long, ms. */
  readonly graceMs?: number
}

export interface Controller {
  close(): Promise<void>
}

const LOOK_MS = 1_000
/** How long those who store live projections wait for the new ones to come as far. */
const SWAP_WAIT_MS = 10_000
/** A flip that fails for so long is given up. */
const FLIP_TRIES = 30
const GRACE_MS = 35_000
const MEASURE_MS = 300_000

export function createController(options: ControllerOptions): Controller {
  const { database, log, projections, live, warn, graceMs = GRACE_MS } = options
  let running: ReplayProcess | null = null
  let flipTries = 0
  let measuredMs = Number.NEGATIVE_INFINITY
  let closed = false
  let looking: Promise<void> | null = null
  let again = false

  function look(): void {
    if (closed) return
    if (looking !== null) {
      again = true
      return
    }
    looking = once()
      .catch((error: Error) => {
        if (!(error instanceof TransientError)) warn(`replay: ${error.message}`)
      })
      .finally(() => {
        looking = null
        if (again) {
          again = false
          look()
        }
      })
  }

  async function once(): Promise<void> {
    const all = await listCatalogue(database)
    const active = all.find(({ state }) => state === 'running' || state === 'caught_up' || state === 'flipping')
    if (running !== null && running.generation !== active?.generation) {
      await running.close()
      running = null
    }
    if (active !== undefined && running === null && !closed) running = options.replay(active.generation)
    if (active?.state === 'flipping') await flip(active)
    if (active !== undefined && active.compareAskedAt !== null) await compare(active.generation)
    for (const generation of all) if (generation.state === 'discarding') await discard(generation, all)
    await forgetGroups(all)
    await measure(all)
  }

  /** How large the lakes are: now and then, and when one is first of interest. */
  async function measure(all: readonly CataloguedGeneration[]): Promise<void> {
    const isDue = performance.now() - measuredMs > MEASURE_MS
    if (isDue) measuredMs = performance.now()
    for (const { generation, lake, state, sizeBytes } of all) {
      const isOwn = lake === generation || state === 'live' || (lake === 1 && generation === all.at(-1)!.generation)
      if (!isOwn || closed || (!isDue && (sizeBytes !== null || state === 'running'))) continue
      await saveSize(database, generation, await options.storage.sizeBytes(lake))
    }
  }

  async function flip(next: CataloguedGeneration): Promise<void> {
    const { generation } = next
    try {
      // Read first: the new generation is brought past them, so all that lies before them is in it.
      const positions = (await log.positions(lakeGroup(live.generation))).filter(
        (position) => position.topic === options.topic && position.log === log.id,
      )
      await running!.reach(originsIn(positions, next.beginOffsets ?? []))
      if (next.lake === generation) await beginGroup(lakeGroup(generation), positions)
      await swapGeneration(database, projections, generation, SWAP_WAIT_MS)
      flipTries = 0
    } catch (error) {
      const { message } = error as Error
      if (error instanceof TransientError && ++flipTries < FLIP_TRIES) throw error
      flipTries = 0
      await moveGeneration(database, generation, ['flipping'], 'caught_up', `it could not become live: ${message}`)
      return
    }
    await running?.close()
    running = null
    await live.refresh()
  }

  async function compare(generation: number): Promise<void> {
    try {
      await running?.compare()
    } catch (error) {
      if (error instanceof TransientError) throw error
      await saveComparison(database, generation, null, (error as Error).message)
    }
  }

  /** A group of its own begins where the other one stood: nobody moves it meanwhile, whatever the other does. */
  async function beginGroup(group: string, positions: readonly Position[]): Promise<void> {
    const assigned = Promise.withResolvers<void>()
    const membership = await log.join(group, [options.topic], { assigned: () => assigned.resolve(), revoked() {} })
    await assigned.promise
    if (positions.length > 0) await membership.commit(positions)
    await membership.leave()
  }

  async function discard(generation: CataloguedGeneration, all: readonly CataloguedGeneration[]): Promise<void> {
    const { retiredAt, lake } = generation
    if (retiredAt !== null && Date.now() - retiredAt.getTime() < graceMs) return
    const isUsed = all.some((other) => other.lake === lake && other.generation !== generation.generation)
    if (!isUsed) {
      await options.storage.remove(lake)
      await log.deleteGroup(lakeGroup(lake))
    }
    await dropGeneration(database, generation.generation)
  }

  /** A group that nobody reads for any more would hold back the trimming of its topic. */
  async function forgetGroups(all: readonly CataloguedGeneration[]): Promise<void> {
    const current = all.find(({ state }) => state === 'live')
    if (current === undefined || current.lake !== live.generation) return
    const kept = new Set([lakeGroup(current.lake), ...all.filter(isFlipping).map(({ lake }) => lakeGroup(lake))])
    for (const group of await log.groups()) {
      if (!/^lake(_g\d+)?$/.test(group) || kept.has(group)) continue
      // Somebody may be in it still: then the next time.
      await log.deleteGroup(group).catch(() => {})
    }
  }

  const stopListening = database.listen(GENERATIONS_CHANGED, look)
  const polling = setInterval(look, LOOK_MS)
  look()
  return {
    async close() {
      closed = true
      stopListening()
      clearInterval(polling)
      // Ends what `look` may be waiting for.
      await running?.close()
      await looking
      await running?.close()
    },
  }
}

function isFlipping({ state }: CataloguedGeneration): boolean {
  return state === 'flipping'
}
