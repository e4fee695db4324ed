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
  /** Web origins whose pages may send with it; none: no browser may. */
  readonly allowedOrigins?: readonly string[]
}

/** What a project may take and keep; `null` means without limit. */
export interface ProjectLimits {
  /** A UUID. */
  readonly id: string
  readonly name: string
  /** Days that stored events are kept. */
  readonly retentionDays: number | null
  /** What is taken a day (UTC): events, and uncompressed bytes of exports. */
  readonly eventsPerDay: number | null
  readonly bytesPerDay: number | null
}

export interface Directory {
  /** `null` for a key that is unknown or revoked. Cheap: asked for every request. */
  authenticate(key: string): Principal | null
}

export interface ProjectDirectory {
  /** `null` for a project that is not there. Cheap, too. */
  project(nameOrId: string): ProjectLimits | null
}

/** What SCRAM-SHA-256 needs to check one key as a password without knowing it (RFC 5802, section 3). */
export interface ScramVerifier {
  readonly principal: Principal
  /** SHA-256 of the client key, 32 bytes. */
  readonly storedKey: Uint8Array
  /** 32 bytes. */
  readonly serverKey: Uint8Array
}

/** A user as SCRAM sees one: a project. Its keys share salt and iterations, so that a proof can be held against each. */
export interface ScramUser {
  readonly salt: Uint8Array
  readonly iterations: number
  /** Empty for a project that does not exist: its salt is made up, the same each time, so that nobody can tell. */
  readonly verifiers: readonly ScramVerifier[]
}

export interface PasswordDirectory {
  /** @param user a project's name or UUID */
  scramUser(user: string): ScramUser
}
