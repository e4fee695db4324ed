/** Stage state in one SQLite file: small, rewritten often, read at start. */
import { DatabaseSync } from 'node:sqlite'
import { FencedError, OperatorError, TransientError } from '../errors/errors.ts'
import type { Position } from '../log/log.ts'
import type { StateStore, StoredState } from './state.ts'

interface Row {
  position: string
  generation: number
  bytes: Uint8Array
  produces: string
}

/** Of the file's format, in `user_version`. 2: `reached` of a position is a vector. 3: `produces`. */
const VERSION = 3

/**
 * @param file path of the database; made if it does not exist. `:memory:` for tests.
 * @throws OperatorError where the file is none of ours, or of another format
 */
export function createSqliteStateStore(file: string): StateStore {
  const database = openDatabase(file)
  const select = database.prepare('select * from state where stage = ? and topic = ? and partition = ?')
  const upsert = database.prepare(`
    insert into state values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    on conflict do update set position = ?4, generation = ?5, bytes = ?6, produces = ?7 where generation <= ?5`)

  return {
    async load(stage, topic, partition) {
      const row = select.get(stage, topic, partition) as Row | undefined
      if (row === undefined) return null
      const { position, bytes, produces } = row
      return { position: JSON.parse(position) as Position, bytes, produces }
    },
    async save(stage, state: StoredState, generation) {
      const { position, bytes, produces } = state
      const { topic, partition } = position
      let changes: number | bigint
      try {
        changes = upsert.run(stage, topic, partition, JSON.stringify(position), generation, bytes, produces).changes
      } catch (cause) {
        throw new TransientError(`the state of ${stage} could not be saved: ${(cause as Error).message}`, { cause })
      }
      if (changes === 0) throw new FencedError(`${stage}: ${topic}/${partition} was saved by a newer generation`)
    },
    async forget(stage) {
      return Number(database.prepare('delete from state where stage = ?').run(stage).changes)
    },
    async close() {
      database.close()
    },
  }
}

function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    const isNew = database.prepare('select 1 from sqlite_schema').get() === undefined
    const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number }
    if (!isNew && version !== VERSION) {
      throw new OperatorError(
        `${file} has version ${version}, this program reads ${VERSION}: use the program that wrote it, or another folder`,
      )
    }
    database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = normal;
      begin immediate;
      create table if not exists state (
        stage text, topic text, partition integer,
        position text not null, generation integer not null, bytes blob not null, produces text not null,
        primary key (stage, topic, partition)
      ) without rowid;
      pragma user_version = ${VERSION};
      commit`)
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof OperatorError) throw cause
    throw new OperatorError(`${file} cannot be used to keep the state of stages: ${(cause as Error).message}`, {
      cause,
    })
  }
}
