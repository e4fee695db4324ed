/** The query port over an engine in this process, for tests of what stands before it. */
import type { Position } from '#pipeline/log/log.ts'
import {
  type QueryColumn,
  QueryError,
  type QueryRequest,
  type QueryResult,
  type QueryRow,
  type StatementService,
} from '#schemas/query.ts'
import type { Engine, EngineRequest } from '../../query/engine.ts'
import { PageStream } from '../../query/page_stream.ts'
import { PAGES_IN_FLIGHT } from '../../query/protocol.ts'

const MAX_ROWS = 10_000_000
const TIMEOUT_MS = 30_000

export function createEngineService(engine: Engine): StatementService {
  const engineRequest = (request: QueryRequest): EngineRequest => ({
    ...{ maxRows: MAX_ROWS, timeoutMs: TIMEOUT_MS, params: [] },
    ...request,
  })
  return {
    describe: (request) => engine.describe(engineRequest(request), request.signal ?? new AbortController().signal),
    query(request) {
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, ...(request.signal === undefined ? [] : [request.signal])])
      let credit = PAGES_IN_FLIGHT
      let wake = () => {}
      signal.addEventListener('abort', () => wake())
      const pages = new PageStream({
        taken() {
          credit++
          wake()
        },
        stopped: () => stop.abort(),
      })
      return new Promise<QueryResult>((resolve, reject) => {
        const sink = {
          columns: (columns: readonly QueryColumn[], asOf: readonly Position[]) => resolve({ columns, asOf, pages }),
          async page(rows: readonly QueryRow[], either: AbortSignal) {
            while (credit === 0 && !either.aborted) {
              await new Promise<void>((resume) => {
                wake = resume
              })
            }
            either.throwIfAborted()
            credit--
            pages.push(rows)
          },
        }
        engine.run(engineRequest(request), sink, signal).then(
          ({ truncated }) => pages.end(truncated),
          (cause) => {
            const problem = cause instanceof QueryError ? cause : new Error(String(cause))
            reject(problem)
            pages.fail(problem)
          },
        )
      })
    },
  }
}
