/** Runs the statements of one session: queries by the query port, commands by itself. */
import type { Principal } from '#schemas/directory.ts'
import { type QueryColumn, type QueryRequest, type QueryRow, type StatementService, userError } from '#schemas/query.ts'
import { noticeResponse, parameterStatus, type TransactionStatus } from './backend_messages.ts'
import type { ByteWriter } from './byte_writer.ts'
import { type Command, parseCommand } from './commands.ts'
import { Cursors } from './cursors.ts'
import type { PgwireLimits } from './limits.ts'
import { REPORTED, type SessionSettings } from './session_settings.ts'
import { splitStatements } from './statements.ts'

/** A statement taken in: what it is, what it takes, what it gives. */
export interface PreparedStatement {
  /** Empty where there is no statement at all. */
  readonly sql: string
  readonly command: Command | null
  /** The query port's names. */
  readonly parameterTypes: readonly string[]
  /** null where it gives no rows. */
  readonly columns: readonly QueryColumn[] | null
}

export type Pages = AsyncGenerator<readonly QueryRow[], { readonly truncated: boolean }, void>

/** What comes of a statement. */
export interface Answer {
  readonly columns: readonly QueryColumn[] | null
  readonly pages: Pages
  /** Of CommandComplete, after so many rows; empty where there was no statement. */
  readonly tag: (rows: number) => string
}

/** A parameter's value as text; null is NULL. */
export type ParameterText = string | null

export interface ExecutorOptions {
  readonly principal: Principal
  readonly queries: StatementService
  readonly settings: SessionSettings
  readonly writer: ByteWriter
  readonly limits: PgwireLimits
  /** DEALLOCATE of one, or of all. */
  readonly deallocate: (name: string | null) => void
}

export class Executor {
  readonly #options: ExecutorOptions
  readonly #cursors: Cursors
  /** No transaction, in one, in one that failed. */
  transaction: TransactionStatus = 'I'

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#cursors = new Cursors(options.limits.maxPortals)
  }

  /** null where there is no such cursor. */
  cursorColumns(name: string): readonly QueryColumn[] | null {
    return this.#cursors.columns(name)
  }

  /** Lets go of what the session left open. */
  close(): Promise<void> {
    return this.#cursors.close(null)
  }

  /** @param declared null where the client leaves the type to us @throws QueryError */
  async prepare(text: string, declared: readonly (string | null)[], signal: AbortSignal): Promise<PreparedStatement> {
    const statements = splitStatements(text)
    if (statements.length > 1) throw userError('42601', 'a prepared statement is one statement')
    const sql = statements[0]?.sql ?? ''
    const command = parseCommand(sql)
    if (sql === '' || command !== null) {
      return { sql, command, parameterTypes: [], columns: this.#columnsOf(command) }
    }
    this.#refuseAfterError(null)
    const { columns, parameters } = await this.#options.queries.describe({
      ...this.#project(),
      sql: text,
      parameterTypes: declared,
      signal,
    })
    return { sql: text, command, parameterTypes: parameters, columns }
  }

  /** Of a statement that was not prepared. @throws QueryError */
  run(sql: string, signal: AbortSignal): Promise<Answer> {
    return this.execute({ sql, command: parseCommand(sql), parameterTypes: [], columns: null }, [], signal)
  }

  /** @throws QueryError */
  async execute(
    { sql, command, parameterTypes }: PreparedStatement,
    params: readonly ParameterText[],
    signal: AbortSignal,
  ): Promise<Answer> {
    this.#refuseAfterError(command)
    if (command !== null) return await this.#command(command, signal)
    if (sql === '') return done('')
    return await this.#query({ sql, params, parameterTypes, signal })
  }

  /** A statement failed: so has the transaction around it. */
  failed(): void {
    if (this.transaction === 'T') this.transaction = 'E'
  }

  async #query(request: Omit<QueryRequest, 'projectId' | 'projectName'>): Promise<Answer> {
    const { queries, limits } = this.#options
    const { columns, pages } = await queries.query({ ...this.#project(), maxRows: limits.maxRows, ...request })
    return { columns, pages, tag: (rows) => `SELECT ${rows}` }
  }

  #project() {
    const { principal, settings } = this.#options
    const timeoutMs = settings.statementTimeoutMs
    const { projectId, projectName } = principal
    return { projectId, projectName, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
  }

  #refuseAfterError(command: Command | null): void {
    if (this.transaction !== 'E') return
    if (command?.kind === 'commit' || command?.kind === 'rollback') return
    if (command?.kind === 'savepoint' && command.rollback) return
    throw userError('25P02', 'current transaction is aborted, commands ignored until end of transaction block')
  }

  async #command(command: Command, signal: AbortSignal): Promise<Answer> {
    const { settings, deallocate } = this.#options
    switch (command.kind) {
      case 'set':
        this.#set(command.name, command.value)
        return done(command.tag)
      case 'show':
        return this.#show(command.name)
      case 'begin':
        if (this.transaction !== 'I') this.#warn('25001', 'there is already a transaction in progress')
        this.transaction = 'T'
        return done(command.tag)
      case 'commit':
      case 'rollback': {
        const failed = this.transaction === 'E'
        if (this.transaction === 'I') this.#warn('25P01', 'there is no transaction in progress')
        this.transaction = 'I'
        await this.#cursors.close(null)
        return done(failed ? 'ROLLBACK' : command.tag)
      }
      case 'savepoint':
        if (this.transaction === 'I') throw userError('25P01', `${command.tag} can only be used in transaction blocks`)
        this.transaction = 'T'
        return done(command.tag)
      case 'declare':
        if (this.transaction === 'I') throw userError('25P01', 'a cursor can only be declared in a transaction block')
        await this.#cursors.declare(command.name, (own) => this.#query({ sql: command.sql, signal: own }))
        return done('DECLARE CURSOR')
      case 'fetch':
        return this.#cursors.fetch(command.name, command.count, signal)
      case 'close':
        await this.#cursors.close(command.name)
        return done(command.name === null ? 'CLOSE CURSOR ALL' : 'CLOSE CURSOR')
      case 'deallocate':
        deallocate(command.name)
        return done(command.tag)
      case 'reset_all':
      case 'discard_all':
        settings.reset()
        if (command.kind === 'discard_all') deallocate(null)
        for (const name of REPORTED) this.#options.writer.send(parameterStatus(name, settings.get(name).value))
        return done(command.kind === 'reset_all' ? 'RESET' : 'DISCARD ALL')
      case 'nothing':
        return done(command.tag)
    }
  }

  #columnsOf(command: Command | null): readonly QueryColumn[] | null {
    if (command?.kind === 'show') return showColumns(command.name)
    return command?.kind === 'fetch' ? this.#cursors.columns(command.name) : null
  }

  #set(name: string, value: string | null): void {
    const { settings, writer } = this.#options
    const warning = settings.set(name, value)
    if (warning !== null) this.#warn('01000', warning)
    const reported = REPORTED.find((one) => one.toLowerCase() === name.toLowerCase())
    if (reported !== undefined) writer.send(parameterStatus(reported, settings.get(reported).value))
  }

  #show(name: string): Answer {
    const { settings } = this.#options
    const rows = isAll(name)
      ? settings.all().map((setting) => [setting.name, setting.value, ''])
      : [[settings.get(name).value]]
    return { columns: showColumns(name), pages: onePage(rows), tag: () => 'SHOW' }
  }

  #warn(code: string, text: string): void {
    this.#options.writer.send(noticeResponse(code, text))
  }
}

const isAll = (name: string) => name.toLowerCase() === 'all'

function showColumns(name: string): readonly QueryColumn[] {
  const names = isAll(name) ? ['name', 'setting', 'description'] : [name]
  return names.map((column) => ({ name: column, type: 'text' }))
}

function done(tag: string): Answer {
  return { columns: null, pages: onePage([]), tag: () => tag }
}

async function* onePage(rows: readonly QueryRow[]): Pages {
  if (rows.length > 0) yield rows
  return { truncated: false }
}
