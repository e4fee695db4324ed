import type { EventLog } from '#pipeline/log/log.ts'
import type { Connection } from '#pipeline/postgres/database.ts'
import { sourceOf } from '#pipeline/replay/fused_stages.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import { carryOver } from '../lake/generations/carry_over.ts'
import { createTableScanner } from '../lake/generations/duckdb.ts'
import type { LakeStorage } from '../lake/generations/storage.ts'
import { type CataloguedGeneration, readLiveLake } from '../postgres/catalogue.ts'

export interface CarryOverOptions {
  readonly database: Connection
  readonly storage: LakeStorage
  readonly log: Pick<EventLog, 'id'>
  readonly topology: Topology
  readonly generation: CataloguedGeneration
  readonly doing: (what: string) => void
}

/** Takes what is before the replay's beginning over from the live lake, table by table; nothing for one from the beginning. */
export async function carryOverLake(options: CarryOverOptions): Promise<void> {
  const { database, storage, log, topology, generation, doing } = options
  const { lake, beginWith, beginOffsets } = generation
  if (beginWith === null || beginWith.kind === 'beginning' || lake !== generation.generation) return
  const border = { log: log.id, topic: sourceOf(topology).name, begin: beginOffsets ?? [] }
  const from = await storage.tables(await readLiveLake(database))
  const scanner = await createTableScanner()
  try {
    for (const [at, to] of (await storage.tables(lake)).entries()) {
      doing(`carrying over, table ${at + 1} of ${from.length}`)
      await carryOver(storage, scanner, from[at], to, border, Date.now())
    }
  } finally {
    await scanner.close()
  }
}
