/**
 * The processes that work on one log, and what they do together. Each tells the others by a row of its own in PostgreSQL,
 * renewed every two seconds; one that has not been heard of for ten is taken for gone.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { TransientError } from '../errors/errors.ts'
import type { Database } from '../postgres/database.ts'
import type { PartReport, Reporter, TopologyReport } from './report.ts'

const RENEW_MS = 2_000
/** PostgreSQL interval. */
const GONE_AFTER = '10 seconds'

export interface WorkersOptions {
  /** Migrated (`schemas/postgres/`). */
  readonly database: Database
  /** Of the log's id: workers of other logs are no business of ours. */
  readonly log: string
  readonly roles: readonly string[]
  readonly reporter: Pick<Reporter, 'report'>
  readonly warn: (message: string) => void
}

export interface Workers {
  /** Of all of them; of this process alone while PostgreSQL is away. */
  report(): Promise<TopologyReport>
  close(): Promise<void>
}

interface Row {
  readonly host: string
  readonly pid: number
  readonly roles: readonly string[]
  readonly started_at: Date
  readonly parts: readonly PartReport[]
}

export function createWorkers({ database, log, roles, reporter, warn }: WorkersOptions): Workers {
  const id = randomUUID()
  let isAway = false
  let renewing: Promise<void> = Promise.resolve()

  async function renew(): Promise<void> {
    const { parts } = await reporter.report()
    await database.query(
      `insert into workers (id, log, host, pid, roles, parts) values ($1, $2, $3, $4, $5, $6)
      on conflict (id) do update set seen_at = now(), parts = $6`,
      [id, log, hostname(), process.pid, roles, JSON.stringify(parts)],
    )
    await database.query(`delete from workers where seen_at < now() - interval '1 hour'`)
  }
  const renewQuietly = () =>
    renew().then(
      () => {
        isAway = false
      },
      (error: Error) => {
        if (!isAway) warn(`other processes do not hear of this one: ${error.message}`)
        isAway = true
      },
    )
  const next = () => {
    renewing = renewQuietly()
  }
  next()
  const timer = setInterval(next, RENEW_MS).unref()

  return {
    async report() {
      const own = await reporter.report()
      try {
        const others = await database.query<Row>(
          `select host, pid, roles, started_at, parts from workers
          where log = $1 and id <> $2 and seen_at > now() - interval '${GONE_AFTER}' order by started_at`,
          [log, id],
        )
        return merged(own, others, { host: hostname(), pid: process.pid, roles })
      } catch (error) {
        if (error instanceof TransientError) return own
        throw error
      }
    },
    async close() {
      clearInterval(timer)
      await renewing
      await database.query('delete from workers where id = $1', [id]).catch(() => {})
    },
  }
}

/** `host/pid` of the processes that work on a log, or did until a moment ago. */
export async function liveWorkers(database: Database, log: string): Promise<readonly string[]> {
  const workers = await database.query<Pick<Row, 'host' | 'pid'>>(
    `select host, pid from workers where log = $1 and seen_at > now() - interval '${GONE_AFTER}' order by started_at`,
    [log],
  )
  return workers.map(nameOf)
}

const nameOf = ({ host, pid }: Pick<Row, 'host' | 'pid'>): string => `${host}/${pid}`

/** @param own report of this process; it names every part, whoever runs it */
export function merged(
  own: TopologyReport,
  others: readonly Pick<Row, 'host' | 'pid' | 'roles' | 'parts'>[],
  here: Pick<Row, 'host' | 'pid' | 'roles'>,
): TopologyReport {
  const workers = [{ ...here, parts: own.parts }, ...others]
  const parts = own.parts.map((part): PartReport => {
    const reports = workers.flatMap((worker) =>
      worker.parts.filter((each) => each.name === part.name).map((report) => ({ ...report, worker: nameOf(worker) })),
    )
    const sum = (pick: (report: PartReport) => number) => reports.reduce((total, report) => total + pick(report), 0)
    const partitions = part.partitions.map((unassigned) => {
      for (const { worker, partitions } of reports) {
        const found = partitions.find(({ partition }) => partition === unassigned.partition)
        if (found !== undefined && found.condition !== 'unassigned') return { ...found, worker }
      }
      return unassigned
    })
    return {
      ...part,
      events_per_second: sum(({ events_per_second }) => events_per_second),
      events_total: sum(({ events_total }) => events_total),
      batches_total: sum(({ batches_total }) => batches_total),
      bytes_out_total: sum(({ bytes_out_total }) => bytes_out_total),
      dead_letters_total: sum(({ dead_letters_total }) => dead_letters_total),
      errors_total: sum(({ errors_total }) => errors_total),
      retries_total: sum(({ retries_total }) => retries_total),
      busy_seconds_total: sum(({ busy_seconds_total }) => busy_seconds_total),
      lag_records: partitions.reduce((total, { lag_records }) => total + lag_records, 0),
      partitions,
    }
  })
  return { ...own, parts, workers: workers.map((worker) => ({ name: nameOf(worker), roles: worker.roles })) }
}
