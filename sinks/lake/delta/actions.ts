/**
 * The actions of a Delta log, as JSON lines.
 * https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions
 */
export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  readonly readerFeatures?: readonly string[]
  readonly writerFeatures?: readonly string[]
}

export interface Metadata {
  readonly id: string
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  /** JSON of a struct type; see `schema.ts`. */
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  readonly createdTime?: number
}

export interface Add {
  /** Relative to the table, URI-encoded. */
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string>>
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modificationTime: number
  readonly dataChange: boolean
  /** JSON; see `stats.ts`. */
  readonly stats?: string
}

export interface Remove {
  readonly path: string
  /** Milliseconds since 1970. */
  readonly deletionTimestamp: number
  readonly dataChange: boolean
  readonly extendedFileMetadata: true
  readonly partitionValues: Readonly<Record<string, string>>
  readonly size: number
}

/** How far an application has come: our appId is `<log>/<topic>/<partition>`, the version the origin offset reached. */
export interface Txn {
  readonly appId: string
  readonly version: number
  /** Milliseconds since 1970. */
  readonly lastUpdated?: number
}

export interface CommitInfo {
  readonly timestamp: number
  readonly operation: string
  readonly engineInfo: string
  /** Unique: a writer that got no answer finds out by it whether a commit is its own. */
  readonly txnId: string
}

export type Action =
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly add: Add }
  | { readonly remove: Remove }
  | { readonly txn: Txn }
  | { readonly commitInfo: CommitInfo }

const encoder = new TextEncoder()

export function encodeActions(actions: readonly Action[]): Uint8Array {
  return encoder.encode(actions.map((action) => JSON.stringify(action) + '\n').join(''))
}

/** Actions we do not know come out as they are. @throws RangeError where the bytes are no JSON lines */
export function decodeActions(bytes: Uint8Array, key: string): readonly Action[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  try {
    return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Action)
  } catch (cause) {
    throw new RangeError(`${key} is not a Delta commit: ${(cause as Error).message}`, { cause })
  }
}

/** The place of version `version` in its table's log. */
export function commitKey(table: string, version: number): string {
  return `${logPrefix(table)}${String(version).padStart(20, '0')}.json`
}

export function logPrefix(table: string): string {
  return `${table}/_delta_log/`
}
