/** What is derived from telemetry for people to read: rows of the projections, and the port to read them by. */

export interface ServiceRow {
  /** Empty for none. */
  readonly namespace: string
  readonly name: string
  readonly version: string | null
  readonly sdkName: string | null
  readonly sdkLanguage: string | null
  readonly sdkVersion: string | null
  /** Microseconds since 1970, by the receiver's clock. */
  readonly firstSeen: number
  readonly lastSeen: number
  readonly logs: number
  readonly spans: number
  readonly metrics: number
  readonly errors: number
  /** Over the last whole hour and what there is of this one. */
  readonly eventsPerSecond: number
  readonly errorsPerSecond: number
  /** What people wrote. */
  readonly owner: string | null
  readonly description: string | null
}

export interface UsageRow {
  readonly signal: string
  /** Its beginning, microseconds since 1970. */
  readonly hour: number
  readonly events: number
  readonly bytes: number
}

export interface LedgerRow {
  readonly received: number
  readonly stored: number
  readonly dropped: number
  readonly deadLettered: number
  readonly droppedByReason: Readonly<Record<string, number>>
  readonly deadLetteredByCode: Readonly<Record<string, number>>
  /** 0: received = stored + dropped + dead-lettered. */
  readonly unaccounted: number
}

export interface Account {
  /** Of the same moment as `inFlight` counts from. */
  readonly ledger: LedgerRow
  /** Events received that are not in the ledger. */
  readonly inFlight: number
  /** False where there was more to read than the bound allows: at least `inFlight` are on their way. */
  readonly complete: boolean
}

/** Of a project, by its id. All throw TransientError where PostgreSQL is away. */
export interface ProjectionReader {
  /** The last seen first, a thousand at most. */
  services(projectId: string): Promise<readonly ServiceRow[]>
  /** The newest first, a thousand at most. */
  usage(projectId: string): Promise<readonly UsageRow[]>
  account(projectId: string): Promise<Account>
}
