/** Keys in memory, for tests. */
import type { Directory, Principal, ProjectDirectory, ProjectLimits, Scope } from '#schemas/directory.ts'

export class MemoryDirectory implements Directory, ProjectDirectory {
  readonly #keys = new Map<string, Principal>()
  readonly #limits = new Map<string, ProjectLimits>()

  add(
    key: string,
    projectId: string,
    scopes: readonly Scope[] = ['ingest'],
    allowedOrigins: readonly string[] = [],
  ): this {
    this.#keys.set(key, { projectId, projectName: projectId, keyId: `id of ${projectId}`, scopes, allowedOrigins })
    return this
  }

  limit(projectId: string, limits: { readonly eventsPerDay?: number; readonly bytesPerDay?: number }): this {
    const unlimited = { retentionDays: null, eventsPerDay: null, bytesPerDay: null }
    this.#limits.set(projectId, { id: projectId, name: projectId, ...unlimited, ...limits })
    return this
  }

  project(id: string): ProjectLimits | null {
    return this.#limits.get(id) ?? null
  }

  revoke(key: string): this {
    this.#keys.delete(key)
    return this
  }

  authenticate(key: string): Principal | null {
    return this.#keys.get(key) ?? null
  }
}
