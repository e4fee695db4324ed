/** Sources for tests of the query process: a log in memory whose tail holds as many events as the settings say. */
import type { CreateQuerySources } from '../sources.ts'
import { batchOf, createQueryFixture, GROUP, micros } from './fixture.ts'

export const FIXTURE_SOURCES = import.meta.url
export interface FixtureSettings {
  readonly events: number
  /** Removed by the test: this process may be killed at any moment. */
  readonly folder: string
}

export const createQuerySources: CreateQuerySources = async (settings) => {
  const { events, folder } = settings as FixtureSettings
  const fixture = await createQueryFixture({ folder })
  const start = micros('2026-11-22T10:00:00Z')
  const rows = Array.from({ length: events }, (_, row) => ({ timestamp: start + BigInt(row), duration: BigInt(row) }))
  await fixture.append(batchOf(rows, { offset: 0 }))
  return { log: fixture.log, lake: fixture.lake, lakeGroup: GROUP, close: () => fixture.close() }
}
