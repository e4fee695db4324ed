import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, it } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { until } from '#pipeline/testing/until.ts'
import { createGeneration, prepareProjections, swapGeneration } from '../postgres/generations.ts'
import { TELEMETRY_PROJECTIONS } from '../postgres/telemetry_projections.ts'
import { createProjectionsDatabase, type ProjectionsDatabase } from '../postgres/testing/projections_database.ts'
import { createLiveLake } from './live_lake.ts'

let postgres: ProjectionsDatabase
let database: Database
let folder: string
before(async () => {
  postgres = await createProjectionsDatabase()
  database = postgres.database
  folder = mkdtempSync(join(tmpdir(), 'millrace-live-'))
})
after(async () => {
  await postgres.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => postgres.clear())

const warn = (message: string) => assert.fail(message)

it('is the first before anything is stored, and whichever is flipped to, told once those who follow are ready', async () => {
  const live = await createLiveLake({ database, file: join(folder, 'a.json'), warn, pollMs: 3_600_000 })
  assert.equal(live.generation, 1)
  await prepareProjections(database, TELEMETRY_PROJECTIONS)
  const followed: number[] = []
  live.follow(async (generation) => void followed.push(generation))
  const next = await createGeneration(database, TELEMETRY_PROJECTIONS)
  await swapGeneration(database, TELEMETRY_PROJECTIONS, next)
  await until(() => live.generation === next)
  await live.refresh()
  assert.deepEqual(followed, [next])
  await live.close()
})

it('is what it was where PostgreSQL is away at the start', async () => {
  const file = join(folder, 'b.json')
  writeFileSync(file, '{"lake":3}')
  const away: Database = { ...database, query: () => Promise.reject(new TransientError('away')) }
  const live = await createLiveLake({ database: away, file, warn, pollMs: 3_600_000 })
  assert.equal(live.generation, 3)
  await assert.rejects(live.refresh(), TransientError)
  await live.close()
  writeFileSync(file, 'half a li')
  const unknown = await createLiveLake({ database: away, file, warn, pollMs: 3_600_000 })
  assert.equal(unknown.generation, 1)
  await unknown.close()
})
