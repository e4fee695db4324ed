/** Stages and sinks that somebody lets fail (`pipeline/runtime/failure_rule.ts` says what it is that stops them otherwise). */
import type { Connection } from '#pipeline/postgres/database.ts'

/** @param until ms since 1970 */
export async function accept(connection: Connection, part: string, until: number): Promise<void> {
  await connection.query(
    `insert into accepted_failures (part, until) values ($1, $2)
     on conflict (part) do update set until = excluded.until`,
    [part, new Date(until)],
  )
}

/** Ms since 1970; `null` where nobody has. @throws as `Connection.query` */
export async function acceptedUntil(connection: Connection, part: string): Promise<number | null> {
  const [found] = await connection.query<{ until: Date }>('select until from accepted_failures where part = $1', [part])
  return found?.until.getTime() ?? null
}
