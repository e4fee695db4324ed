/**
 * The port to where the lake's bytes are: a folder or a bucket. Shaped after S3, so that nothing above it rests on what
 * only a file system can do.
 */
export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  /** Milliseconds since 1970, by the store's clock. */
  readonly modifiedMs: number
}

/**
 * Keys are relative, parts joined by `/`. Every method throws TransientError where the store failed; after one from
 * `put` or `putIfAbsent` the object may have been stored, or may yet be.
 */
export interface ObjectStore {
  /** Stores an object, durable when it resolves. Replaces one of the same key. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Stores an object unless its key is taken: of several writers exactly one gets `true`. Durable as `put`. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>
  /** @returns `null` where there is no such object */
  get(key: string): Promise<Uint8Array | null>
  /** Objects whose key begins with `prefix` (which ends at a `/`), in ascending order of key, at any depth. */
  list(prefix: string, options?: { readonly after?: string }): Promise<readonly StoredObject[]>
  /** Removes objects; those that do not exist are no error. */
  delete(keys: readonly string[]): Promise<void>
  /** A path that other programs on this machine can read the object at; `null` where the store has none. */
  localPath(key: string): string | null
}
