/** What one client can make the server hold, and for how long. */
export interface PgwireLimits {
  /** Clients that have come past the password. */
  readonly maxConnections: number
  /** Connections still before it. */
  readonly maxHandshakes: number
  /** From the first byte to the right password. */
  readonly handshakeTimeoutMs: number
  /** A session that says nothing for so long is ended. */
  readonly idleTimeoutMs: number
  /** A client that takes nothing of its answer for so long is gone for us. */
  readonly stallTimeoutMs: number
  readonly maxMessageBytes: number
  /** Rows of one answer; one with more is an error, so that nobody takes a part for the whole. */
  readonly maxRows: number
  /** Prepared statements of a session, and their text together. */
  readonly maxStatements: number
  readonly maxStatementCharacters: number
  /** Portals of a session. */
  readonly maxPortals: number
}

export const PGWIRE_LIMITS: PgwireLimits = {
  maxConnections: 100,
  maxHandshakes: 100,
  handshakeTimeoutMs: 10_000,
  idleTimeoutMs: 30 * 60_000,
  stallTimeoutMs: 60_000,
  maxMessageBytes: 4 << 20,
  maxRows: 1_000_000,
  maxStatements: 500,
  maxStatementCharacters: 4 << 20,
  maxPortals: 32,
}
