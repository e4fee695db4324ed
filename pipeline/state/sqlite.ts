/** Stage state in one SQLite file: small, rewritten often, read at start. */
import { DatabaseSync } from 'node:sqlite'
import { FencedError, TransientError } from '../errors/errors.ts'
import type { Position } from '../log/log.ts'
import type { StateStore, StoredState } from './state.ts'

interface Row {
  position: string
  generation: number
  bytes: Uint8Array
}

/** @param file path of the database; made if it does not exist. `:memory:` for tests. */
export function createSqliteStateStore(file: string): StateStore {
  const database = new DatabaseSync(file)
  database.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    create table if not exists state (
      stage text, topic text, partition integer,
      position text not null, generation integer not null, bytes blob not null,
      primary key (stage, topic, partition)
    ) without rowid`)
  const select = database.prepare('select * from state where stage = ? and topic = ? and partition = ?')
  const upsert = database.prepare(`
    insert into state values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict do update set position = ?4, generation = ?5, bytes = ?6 where generation <= ?5`)

  return {
    async load(stage, topic, partition) {
      const row = select.get(stage, topic, partition) as Row | undefined
      return row === undefined ? null : { position: JSON.parse(row.position) as Position, bytes: row.bytes }
    },
    async save(stage, state: StoredState, generation) {
      const { topic, partition } = state.position
      let changes: number | bigint
      try {
        changes = upsert.run(stage, topic, partition, JSON.stringify(state.position), generation, state.bytes).changes
      } catch (cause) {
        throw new TransientError(`the state of ${stage} could not be saved: ${(cause as Error).message}`, { cause })
      }
      if (changes === 0) throw new FencedError(`${stage}: ${topic}/${partition} was saved by a newer generation`)
    },
    async close() {
      database.close()
    },
  }
}
