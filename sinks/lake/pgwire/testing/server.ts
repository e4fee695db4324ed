/** A pgwire server over a small lake of two projects. */
import type { StatementService } from '#schemas/query.ts'
import { batchOf, createQueryFixture, micros, OTHER_PROJECT, type QueryFixture } from '../../query/testing/fixture.ts'
import type { PgwireLimits } from '../limits.ts'
import { createPgwireServer, type PgwireOptions, type PgwireServer } from '../server.ts'
import { createTestDirectory } from './directory.ts'
import { createEngineService } from './service.ts'

export const EVENTS = 2500

export interface TestServer {
  readonly server: PgwireServer
  readonly port: number
  readonly fixture: QueryFixture
  readonly directory: ReturnType<typeof createTestDirectory>
  readonly queries: StatementService
  /** What the server took for its own fault. */
  readonly errors: unknown[]
  /** Another server over the same lake. */
  open(options?: Partial<Omit<PgwireOptions, 'limits'>> & { limits?: Partial<PgwireLimits> }): Promise<PgwireServer>
  close(): Promise<void>
}

/** `EVENTS` logs `n0`, `n1` … of project default, a microsecond apart; three of project other. */
export async function startTestServer(): Promise<TestServer> {
  const fixture = await createQueryFixture()
  const start = micros('2026-11-22T10:00:00Z')
  const row = (name: string, at: number) => ({
    ...{ timestamp: start + BigInt(at), kind: 'log', name, level: at % 2 === 0 ? 'INFO' : 'ERROR' },
    ...{ body: '{"text":"hello"}', duration: BigInt(at), hashes: '["err:1","a \\"b\\""]' },
  })
  await fixture.append(
    batchOf(
      Array.from({ length: EVENTS }, (_, at) => row(`n${at}`, at)),
      { offset: 0 },
    ),
    batchOf([row('secret', 1), row('secret', 2), row('secret', 3)], { offset: 1, projectId: OTHER_PROJECT }),
  )
  const errors: unknown[] = []
  const directory = createTestDirectory()
  const queries = createEngineService(fixture.engine)
  const open: TestServer['open'] = (options = {}) =>
    createPgwireServer({
      ...{ host: '127.0.0.1', port: 0, queries, directory, onError: (error) => errors.push(error) },
      ...options,
    })
  const server = await open()
  return {
    ...{ server, port: server.port, fixture, queries, directory, errors, open },
    async close() {
      await server.close()
      await fixture.close()
    },
  }
}
