/** Who may do what: the port behind which API keys live. */

/** What a key allows: sending telemetry, reading it, managing keys and settings. */
export type Scope = 'ingest' | 'read' | 'admin'

/** Whom a valid API key speaks for. */
export interface Principal {
  /** A UUID: what data is stored under. */
  readonly projectId: string
  readonly projectName: string
  /** Names the key without giving it away. */
  readonly keyId: string
  readonly scopes: readonly Scope[]
}

export interface Directory {
  /** `null` for a key that is unknown or revoked. Cheap: asked for every request. */
  authenticate(key: string): Principal | null
}
