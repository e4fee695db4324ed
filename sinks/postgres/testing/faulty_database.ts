/**
 * A database as a process that can die sees it: everything the sink waits for is a point before and a point after, and at
 * a chosen one the process dies. From then on nothing it asks for is done. Work that was under way is lost with its
 * connection, except a commit that had been made: that is the last point.
 */
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Connection, Database, Transaction } from '#pipeline/postgres/database.ts'

export interface FaultyDatabase extends Database {
  /** Points passed. */
  readonly points: readonly string[]
}

/** @param diesAt whether to die at a point, by its number and name */
export function createFaultyDatabase(
  database: Database,
  diesAt: (point: number, name: string) => boolean,
): FaultyDatabase {
  const points: string[] = []
  let dead = false
  const point = (name: string) => {
    if (!dead) {
      dead = diesAt(points.length, name)
      points.push(name)
    }
    if (dead) throw new TransientError(`died ${name}`)
  }
  const around = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    point(`before ${what}`)
    const result = await work()
    point(`after ${what}`)
    return result
  }
  const connectionOf = (connection: Connection): Connection => ({
    query: <Row extends object>(sql: string, params?: readonly unknown[]) =>
      around(sql.trim().split(/\s+/, 3).join(' '), () => connection.query<Row>(sql, params)),
  })
  const transactionOf = (transaction: Transaction): Transaction => ({
    ...connectionOf(transaction),
    copy: (sql, chunks) => around('copy', () => transaction.copy(sql, chunks)),
  })
  return {
    ...database,
    ...connectionOf(database),
    points,
    async transaction(work) {
      point('before begin')
      const result = await database.transaction(async (transaction) => {
        point('after begin')
        const done = await work(transactionOf(transaction))
        point('before commit')
        return done
      })
      point('after commit')
      return result
    },
  }
}
