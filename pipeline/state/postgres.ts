/** Stage state in PostgreSQL: for processes that take partitions over from each other. */
import { FencedError } from '../errors/errors.ts'
import type { Position } from '../log/log.ts'
import type { Database } from '../postgres/database.ts'
import type { StateStore } from './state.ts'

interface Row {
  readonly position: Position
  readonly bytes: Uint8Array
  readonly produces: string
}

/** @param database migrated (`schemas/postgres/`); it stays open when the store is closed */
export function createPostgresStateStore(database: Database): StateStore {
  return {
    async load(stage, topic, partition) {
      const [row] = await database.query<Row>(
        'select position, bytes, produces from stage_state where stage = $1 and topic = $2 and partition = $3',
        [stage, topic, partition],
      )
      return row ?? null
    },
    async save(stage, { position, bytes, produces }, generation) {
      const { topic, partition } = position
      const saved = await database.query(
        `insert into stage_state values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (stage, topic, partition) do update set position = $4, generation = $5, bytes = $6, produces = $7
        where stage_state.generation <= $5 returning 1`,
        [stage, topic, partition, JSON.stringify(position), generation, bytes, produces],
      )
      if (saved.length === 0) throw new FencedError(`${stage}: ${topic}/${partition} was saved by a newer generation`)
    },
    async forget(stage) {
      return (await database.query('delete from stage_state where stage = $1 returning 1', [stage])).length
    },
    async close() {},
  }
}
