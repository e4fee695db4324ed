/**
 * The port to where objects are: a folder or a bucket. Shaped after S3, so that nothing above it rests on what only a
 * file system can do. Adapters: `file_store.ts` and `s3_store.ts`; both pass `conformance.ts`.
 */
export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  /** Milliseconds since 1970, by the store's clock. */
  readonly modifiedMs: number
}

/** Bytes from `start` to before `end`; what lies past the object's end is left out. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Keys are relative, parts joined by `/`, in ASCII. Every method throws TransientError where the store failed; after one
 * from `put` or `putIfAbsent` the object may have been stored, or may yet be.
 */
export interface ObjectStore {
  /** Stores an object, durable when it resolves. Replaces one of the same key. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Stores an object unless its key is taken: of several writers exactly one gets `true`. Durable as `put`. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>
  /** @returns `null` where there is no such object; no bytes where the range lies behind its end */
  get(key: string, range?: ByteRange): Promise<Uint8Array | null>
  /** Objects whose key begins with `prefix` (empty, or ending at a `/`), in ascending order of key, at any depth. */
  list(prefix: string, options?: { readonly after?: string }): Promise<readonly StoredObject[]>
  /** Removes objects; those that do not exist are no error. Where it fails, some may be gone. */
  delete(keys: readonly string[]): Promise<void>
  /** A path that other programs on this machine can read the object at; `null` where the store has none. */
  localPath(key: string): string | null
}

/** @throws RangeError where the key would leave its folder or bucket prefix */
export function checkedKey(key: string): string {
  const parts = key.split('/')
  if (parts.some((part) => part === '..' || part === '.') || key.startsWith('/') || key.includes('\0')) {
    throw new RangeError(`not a key: ${JSON.stringify(key)}`)
  }
  return key
}
