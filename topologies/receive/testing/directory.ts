/** Keys in memory, for tests. */
import type { Directory, Principal, Scope } from '#schemas/directory.ts'

export class MemoryDirectory implements Directory {
  readonly #keys = new Map<string, Principal>()

  add(key: string, projectId: string, scopes: readonly Scope[] = ['ingest']): this {
    this.#keys.set(key, { projectId, projectName: projectId, keyId: `id of ${projectId}`, scopes })
    return this
  }

  revoke(key: string): this {
    this.#keys.delete(key)
    return this
  }

  authenticate(key: string): Principal | null {
    return this.#keys.get(key) ?? null
  }
}
