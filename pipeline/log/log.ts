/**
 * The port to the ordered log. Words in Kafka's sense: a topic has partitions, a partition has records at ascending
 * offsets, a group remembers how far it has read. Adapters: `embedded/` and (later) `kafka/`; both pass `conformance.ts`.
 */
export interface NewRecord {
  readonly topic: string
  readonly partition: number
  readonly key?: Uint8Array | null
  readonly value: Uint8Array
  /** Milliseconds since 1970. Chosen by the producer; not necessarily ascending. */
  readonly timestamp: number
}

export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  /** Belongs to the reader: never written to again by the log. */
  readonly value: Uint8Array
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** Records older than this may be trimmed, but nothing past the slowest group. */
  readonly retentionMs: number
  /** Oldest records may be trimmed above this size; `null` for no limit. */
  readonly retentionBytes: number | null
}

export interface TopicInfo extends TopicSpec {
  readonly sizeBytes: number
  readonly bounds: readonly Bounds[]
}

/** `begin` is the first offset still stored, `end` the one the next record will get. */
export interface Bounds {
  readonly partition: number
  readonly begin: number
  readonly end: number
}

/**
 * How far a reader has come in the order of events: by source partition (`Origin.partition`), the origin offset reached.
 * Where stages keep partitions one-to-one there is one component; a repartitioned topic has one for every source
 * partition. A partition without a component has not been met yet.
 */
export type Reached = Readonly<Record<number, number>>

/** How far a group has come in a partition. */
export interface Position {
  readonly topic: string
  readonly partition: number
  /** The next offset to read. */
  readonly offset: number
  readonly reached: Reached
  /** The log that `offset` and `reached` count in. */
  readonly log: string
}

export interface Assignment {
  readonly topic: string
  readonly partition: number
  /** The group's committed position; `null` where it has none. */
  readonly position: Position | null
}

export interface GroupListener {
  /** Partitions this member may work on from now, under the membership's generation. */
  assigned(assignments: readonly Assignment[], membership: Membership): void
  /**
   * Partitions it must let go of. Where the log can wait, others get them once the promise resolves: what was in flight is
   * committed then. It may be called late or never: `commit` is what fences.
   */
  revoked(partitions: readonly { readonly topic: string; readonly partition: number }[]): void | Promise<void>
}

export interface Membership {
  readonly generation: number
  /**
   * Remembers positions, all or none.
   * @throws FencedError where another generation owns one of the partitions
   * @throws RangeError where a position is past the end, or of a topic that was not joined
   * @throws TransientError where it could not be stored
   */
  commit(positions: readonly Position[]): Promise<void>
  /** Gives the partitions back. */
  leave(): Promise<void>
}

export interface ReadOptions {
  /** At least one record is returned, however large; more only while their values stay within this. */
  readonly maxBytes: number
  readonly maxRecords?: number
}

export interface EventLog {
  /** Minted when the log is made; another log, another id. A UUID. */
  readonly id: string

  /** Makes the topics that do not exist. @throws OperatorError where one exists with another partition count */
  createTopics(specs: readonly TopicSpec[]): Promise<void>
  /**
   * Gives topics more partitions: empty ones, behind those they have; done before or in part is no error. Not while groups
   * work on them: members learn of their partitions when they join.
   * @throws RangeError where there is no such topic; OperatorError where one has more partitions than that
   */
  growTopics(names: readonly string[], partitions: number): Promise<void>
  topics(): Promise<readonly TopicInfo[]>
  bounds(topic: string, partition: number): Promise<Bounds>

  /**
   * Appends records; durable when it resolves, with the offset of each. Records of one partition keep their order,
   * and so do the appends of one caller. Keys and values must not be written to until then.
   * Where an append fails, those that were waiting behind it on the same partition fail too.
   * @throws TransientError where it may be tried again; some of the records may have been stored then
   * @throws RangeError where there is no such topic or partition, or the append is larger than the queue may ever be
   */
  append(records: readonly NewRecord[]): Promise<readonly number[]>

  /**
   * Reads on from `offset`, in order. Empty at the end.
   * @throws RangeError where `offset` is before `begin` or past `end`
   * @throws OperatorError where what is stored is damaged
   */
  read(topic: string, partition: number, offset: number, options: ReadOptions): Promise<readonly LogRecord[]>

  /** Resolves once there is a record at or past `offset`, or when `signal` aborts. */
  waitFor(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void>

  /** The first offset with a timestamp ≥ `timestamp`, so that nothing before it is as late; `end` if none. */
  offsetAt(topic: string, partition: number, timestamp: number): Promise<number>

  /** Joins a group for these topics. The listener hears of assignments until `leave`. */
  join(group: string, topics: readonly string[], listener: GroupListener): Promise<Membership>
  /** What a group has committed. */
  positions(group: string): Promise<readonly Position[]>
  /** Names of the groups that ever committed. */
  groups(): Promise<readonly string[]>
  /** Forgets a group, so that it no longer holds back trimming. */
  deleteGroup(group: string): Promise<void>

  /** Drops records before `offset` by whole segments, so some may stay; never one that a group has yet to read. */
  trim(topic: string, partition: number, offset: number): Promise<void>

  close(): Promise<void>
}

/** Where topics' schemas are kept; ids are framed before every value (Confluent wire format: 0, id as int32 BE). */
export interface SchemaRegistry {
  /** The id of this schema under `<topic>-value`; registered if new. */
  register(subject: string, schema: string): Promise<number>
  /** @throws RangeError where the id is not known */
  schema(id: number): Promise<string>
}
