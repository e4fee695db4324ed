/**
 * Which generation of the lake is the live one, as this process knows it: told by PostgreSQL, and by a file where PostgreSQL
 * is away at the start. An old answer does no harm: each generation has a group of its own, so whoever goes on with the old
 * one neither moves nor hides what is in the new one.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { GENERATIONS_CHANGED, readLiveLake } from '../postgres/catalogue.ts'

export interface LiveLake {
  readonly generation: number
  /** Called with another generation, one after another; the next waits for what it returns. */
  follow(changed: (generation: number) => Promise<void>): void
  /** Asks now, and waits for those who follow. @throws TransientError where PostgreSQL is away */
  refresh(): Promise<void>
  close(): Promise<void>
}

export interface LiveLakeOptions {
  readonly database: Database
  /** Remembers the answer. */
  readonly file: string
  readonly warn: (message: string) => void
  /** How often it is asked besides, ms: a notification may be lost. */
  readonly pollMs?: number
}

export async function createLiveLake({ database, file, warn, pollMs = 2_000 }: LiveLakeOptions): Promise<LiveLake> {
  const followers: ((generation: number) => Promise<void>)[] = []
  let generation = remembered(file)
  let lane = Promise.resolve()

  async function ask(): Promise<void> {
    const found = await readLiveLake(database)
    if (found === generation) return
    generation = found
    remember(file, found)
    for (const follow of followers) {
      await follow(found).catch((error: Error) => warn(`generation ${found} of the lake: ${error.message}`))
    }
  }
  const refresh = (): Promise<void> => {
    const asked = lane.then(ask)
    lane = asked.catch(() => {})
    return asked
  }
  const quietly = () =>
    void refresh().catch((error) => {
      if (!(error instanceof TransientError)) warn((error as Error).message)
    })

  await refresh().catch((error) => {
    if (!(error instanceof TransientError)) throw error
  })
  const stopListening = database.listen(GENERATIONS_CHANGED, quietly)
  const polling = setInterval(quietly, pollMs).unref()
  return {
    get generation() {
      return generation
    },
    follow: (changed) => void followers.push(changed),
    refresh,
    async close() {
      stopListening()
      clearInterval(polling)
      await lane
    },
  }
}

/** 1 where nothing is remembered. */
function remembered(file: string): number {
  try {
    const { lake } = JSON.parse(readFileSync(file, 'utf8')) as { lake: unknown }
    return Number.isSafeInteger(lake) ? (lake as number) : 1
  } catch {
    return 1
  }
}

function remember(file: string, lake: number): void {
  writeFileSync(`${file}.tmp`, `${JSON.stringify({ lake })}\n`)
  renameSync(`${file}.tmp`, file)
}
