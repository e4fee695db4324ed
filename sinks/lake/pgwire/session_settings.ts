/** What a session can SET and SHOW. Most of it changes nothing here; what would change an answer is refused. */
import { userError } from '#schemas/query.ts'
import { SETTINGS } from '../query/catalog/server.ts'

/** Those whose value a client is told at the start and whenever it changes (chapter 54.2, "Asynchronous Operations"). */
export const REPORTED = [
  ...['application_name', 'client_encoding', 'DateStyle', 'default_transaction_read_only', 'in_hot_standby'],
  ...['integer_datetimes', 'IntervalStyle', 'is_superuser', 'server_encoding', 'server_version'],
  ...['session_authorization', 'standard_conforming_strings', 'TimeZone'],
]
/** A value that is not of these is refused: answers would not be what it asks for. */
const ONLY: ReadonlyMap<string, RegExp> = new Map([
  // As PostgreSQL does, whatever stands around letters and digits: asyncpg sends quotes.
  ['client_encoding', /^\W*(utf\W?8|unicode|auto)\W*$/i],
  ['datestyle', /^iso\b/i],
  ['intervalstyle', /^postgres$/i],
  ['standard_conforming_strings', /^(on|true|1)$/i],
  ['bytea_output', /^hex$/i],
])
const READ_ONLY = new Set(
  'in_hot_standby integer_datetimes is_superuser server_encoding server_version server_version_num'.split(' '),
)
/** Times are given in UTC; another zone is taken note of and changes nothing. */
const UTC = /^(utc|gmt|etc\/utc|etc\/gmt|z|zulu|\+?0|default|00:00|\+00:00)$/i
/** Bounds what a session can make us keep. */
const MAX_VALUE_CHARACTERS = 1000
const MAX_SETTINGS = 100

const UNITS_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  '': 1,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

export class SessionSettings {
  readonly #values: Map<string, { readonly name: string; readonly value: string }>
  readonly #initial: ReadonlyMap<string, { readonly name: string; readonly value: string }>

  /** @param user shown as session_authorization */
  constructor(user: string) {
    const entries = [...SETTINGS, ['session_authorization', user] as const]
    this.#initial = new Map(entries.map(([name, value]) => [name.toLowerCase(), { name, value }]))
    this.#values = new Map(this.#initial)
  }

  /** @throws QueryError 42704 */
  get(name: string): { readonly name: string; readonly value: string } {
    const found = this.#values.get(name.toLowerCase())
    if (found === undefined) throw userError('42704', `unrecognized configuration parameter "${name}"`)
    return found
  }

  all(): readonly { readonly name: string; readonly value: string }[] {
    return [...this.#values.values()].sort((one, other) => (one.name.toLowerCase() < other.name.toLowerCase() ? -1 : 1))
  }

  /**
   * @param value null for the default
   * @returns what the client should be warned of, null where there is nothing
   * @throws QueryError for a name or a value that cannot be
   */
  set(name: string, value: string | null): string | null {
    const key = name.toLowerCase()
    const initial = this.#initial.get(key)
    if (READ_ONLY.has(key)) throw userError('55P02', `parameter "${name}" cannot be changed`)
    if (value === null) {
      if (initial === undefined) this.#values.delete(key)
      else this.#values.set(key, initial)
      return null
    }
    const only = ONLY.get(key)
    if (value.length > MAX_VALUE_CHARACTERS || (only !== undefined && !only.test(value))) {
      throw userError('22023', `invalid value for parameter "${name}": "${value.slice(0, 100)}"`)
    }
    if (only !== undefined) return null
    if (key === 'timezone') return UTC.test(value) ? null : `times are shown in UTC, not in ${value}`
    if (key === 'statement_timeout') {
      this.#values.set(key, { name: key, value: timeoutText(value) })
      return null
    }
    // What PostgreSQL has and we do not is none of a client's worry; names with a dot are the client's own.
    if (initial === undefined && !/^[a-z_][a-z0-9_.]*$/.test(key))
      throw userError('42704', `unrecognized configuration parameter "${name}"`)
    if (!this.#values.has(key) && this.#values.size >= this.#initial.size + MAX_SETTINGS) {
      throw userError('54000', `a session has at most ${MAX_SETTINGS} settings of its own`)
    }
    this.#values.set(key, { name: initial?.name ?? key, value })
    return null
  }

  reset(): void {
    this.#values.clear()
    for (const [key, value] of this.#initial) this.#values.set(key, value)
  }

  /** Undefined where the session sets none. */
  get statementTimeoutMs(): number | undefined {
    const timeoutMs = timeoutOf(this.get('statement_timeout').value)
    return timeoutMs === 0 ? undefined : timeoutMs
  }
}

/** Milliseconds of `5000`, `5s`, `'1.5 min'`. @throws QueryError 22023 */
function timeoutOf(value: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|)\s*$/.exec(value)
  const timeoutMs = match === null ? Number.NaN : Math.round(Number(match[1]) * UNITS_MS[match[2]])
  // PostgreSQL's own bound: an int32 of milliseconds.
  if (!(timeoutMs >= 0 && timeoutMs < 2 ** 31)) {
    throw userError('22023', `invalid value for parameter "statement_timeout": "${value.slice(0, 100)}"`)
  }
  return timeoutMs
}

/** As SHOW gives it: in the largest unit that divides it. */
function timeoutText(value: string): string {
  const timeoutMs = timeoutOf(value)
  const unit = ['d', 'h', 'min', 's', 'ms'].find((name) => timeoutMs % UNITS_MS[name] === 0)!
  return timeoutMs === 0 ? '0' : `${timeoutMs / UNITS_MS[unit]}${unit}`
}
