/**
 * What the log remembers beside its records, in one small SQLite file: its id, topics, schemas, the groups'
 * generations and positions. Synchronous; the owner runs it in a worker (`metadata_worker.ts`), readers open it read-only.
 */
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { FencedError, OperatorError } from '../../errors/errors.ts'
import type { Position, Reached, TopicSpec } from '../log.ts'

/** "mlrc": marks the file as ours. */
const APPLICATION_ID = 0x6d6c7263
/** 2: `reached` is a vector. */
const VERSION = 2

const TABLES = `
  create table log (id text not null);
  create table topics (
    name text primary key, partitions integer not null, retention_ms integer not null, retention_bytes integer
  ) strict;
  create table schemas (id integer primary key autoincrement, schema text not null unique) strict;
  create table subjects (subject text not null, schema_id integer not null, primary key (subject, schema_id)) strict;
  create table groups (name text primary key, generation integer not null) strict;
  create table positions (
    group_name text not null, topic text not null, partition integer not null,
    next_offset integer not null, reached text not null, log text not null,
    primary key (group_name, topic, partition)
  ) strict, without rowid;
`

export interface Commit {
  readonly group: string
  readonly generation: number
  readonly positions: readonly Position[]
}

export class Metadata {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * @param create makes the file where it does not exist
   * @throws OperatorError where it is not a metadata file of this version
   */
  static open(path: string, mode: 'create' | 'readOnly'): Metadata {
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(path, { readOnly: mode === 'readOnly', timeout: 5_000 })
      const [application, version] = ['application_id', 'user_version'].map((pragma) => pragmaOf(database!, pragma))
      if (application === 0 && version === 0 && mode === 'create' && isEmpty(database)) initialize(database)
      else if (application !== APPLICATION_ID)
        throw new OperatorError(`${path} is not a millrace log: choose another folder`)
      else if (version !== VERSION) {
        throw new OperatorError(
          `${path} has version ${version}, this program reads ${VERSION}: use the program that wrote it, or another folder`,
        )
      }
      return new Metadata(database)
    } catch (cause) {
      database?.close()
      if (cause instanceof OperatorError) throw cause
      throw new OperatorError(`${path} cannot be read as the metadata of a log: ${(cause as Error).message}`, { cause })
    }
  }

  logId(): string {
    return (this.#database.prepare('select id from log').get() as { id: string }).id
  }

  topics(): TopicSpec[] {
    const rows = this.#database.prepare('select * from topics order by name').all()
    return rows.map((row) => ({
      name: row.name as string,
      partitions: row.partitions as number,
      retentionMs: row.retention_ms as number,
      retentionBytes: row.retention_bytes as number | null,
    }))
  }

  /** Makes topics, or changes the retention of those there are. */
  putTopics(specs: readonly TopicSpec[]): void {
    const put = this.#database.prepare(
      `insert into topics values (?, ?, ?, ?)
       on conflict (name) do update set partitions = excluded.partitions, retention_ms = excluded.retention_ms,
         retention_bytes = excluded.retention_bytes`,
    )
    this.#durably(() => {
      for (const spec of specs) put.run(spec.name, spec.partitions, spec.retentionMs, spec.retentionBytes)
    })
  }

  register(subject: string, schema: string): number {
    return this.#durably(() => {
      this.#database.prepare('insert into schemas (schema) values (?) on conflict do nothing').run(schema)
      const { id } = this.#database.prepare('select id from schemas where schema = ?').get(schema) as { id: number }
      this.#database.prepare('insert into subjects values (?, ?) on conflict do nothing').run(subject, id)
      return id
    })
  }

  schema(id: number): string | null {
    const row = this.#database.prepare('select schema from schemas where id = ?').get(id)
    return (row?.schema as string | undefined) ?? null
  }

  /** Ends the group's present generation. @returns the new one, ascending over restarts */
  nextGeneration(group: string): number {
    return this.#durably(() => {
      const row = this.#database
        .prepare(
          `insert into groups values (?, 1)
           on conflict (name) do update set generation = generation + 1 returning generation`,
        )
        .get(group)
      return row!.generation as number
    })
  }

  /**
   * Commits that came together, each of them whole or not at all. Not synced: after a power cut a group may be set
   * back to an earlier position, which only makes it read again.
   * @returns for each commit what went wrong with it, or `null`
   */
  commit(commits: readonly Commit[]): (FencedError | null)[] {
    const generation = this.#database.prepare('select generation from groups where name = ?')
    const put = this.#database.prepare('insert or replace into positions values (?, ?, ?, ?, ?, ?)')
    return this.#transaction(() =>
      commits.map((commit) => {
        const current = generation.get(commit.group)?.generation
        if (current !== commit.generation) {
          return new FencedError(
            `group ${commit.group} is at generation ${current}, this member at ${commit.generation}`,
          )
        }
        for (const { topic, partition, offset, reached, log } of commit.positions) {
          put.run(commit.group, topic, partition, offset, JSON.stringify(reached), log)
        }
        return null
      }),
    )
  }

  positions(group: string): Position[] {
    const rows = this.#database
      .prepare('select * from positions where group_name = ? order by topic, partition')
      .all(group)
    return rows.map((row) => ({
      topic: row.topic as string,
      partition: row.partition as number,
      offset: row.next_offset as number,
      reached: JSON.parse(row.reached as string) as Reached,
      log: row.log as string,
    }))
  }

  groups(): string[] {
    const rows = this.#database.prepare('select distinct group_name from positions order by group_name').all()
    return rows.map((row) => row.group_name as string)
  }

  /** The generation stays, so that a member that is still at work is fenced. */
  deleteGroup(group: string): void {
    this.#durably(() => {
      this.#database.prepare('update groups set generation = generation + 1 where name = ?').run(group)
      this.#database.prepare('delete from positions where group_name = ?').run(group)
    })
  }

  close(): void {
    this.#database.close()
  }

  /** A transaction that is on disk when this returns. */
  #durably<T>(work: () => T): T {
    this.#database.exec('pragma synchronous = full')
    try {
      return this.#transaction(work)
    } finally {
      this.#database.exec('pragma synchronous = normal')
    }
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('begin immediate')
    try {
      const result = work()
      this.#database.exec('commit')
      return result
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec('rollback')
      throw cause
    }
  }
}

function initialize(database: DatabaseSync): void {
  database.exec('pragma journal_mode = wal; pragma synchronous = full; begin immediate')
  database.exec(TABLES)
  database.prepare('insert into log values (?)').run(randomUUID())
  database.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${VERSION}; commit`)
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('select 1 from sqlite_schema').get() === undefined
}

function pragmaOf(database: DatabaseSync, name: string): number {
  return database.prepare(`pragma ${name}`).get()![name] as number
}
