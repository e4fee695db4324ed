interface ParsedStatement extends PreparedStatement {
  /** Types of parameters as the client named them; 0, or none, where it leaves one to us. */
  readonly declaredOids: readonly number[]
}

/**
 * One client from its password to its end: its messages, one after the other (PostgreSQL 18, chapters 54.2.2 simple
 * query and 54.2.3 extended query).
 */
import { QueryError, type QueryProblem, userError } from '#schemas/query.ts'
import {
  bindComplete,
  closeComplete,
  commandComplete,
  emptyQueryResponse,
  errorResponse,
  noData,
  parameterDescription,
  parseComplete,
  portalSuspended,
  readyForQuery,
  rowDescription,
} from './backend_messages.ts'
import { ConnectionLost } from './byte_writer.ts'
import { Executor, type ExecutorOptions, type PreparedStatement } from './executor.ts'
import { type BindMessage, type FrontendMessage, ProtocolError, readMessage } from './frontend_messages.ts'
import { decodeParameter } from './parameters.ts'
import { fieldsOf, Portal } from './portal.ts'
import type { Channel } from './startup.ts'
import { splitStatements } from './statements.ts'
import { pgType, typeNamed } from './types.ts'

export interface SessionOptions extends Omit<ExecutorOptions, 'deallocate' | 'writer'> {
  readonly channel: Channel
  /** Asked before each statement: false once the key is revoked. */
  readonly isAllowed: () => boolean
  /** Told of what is our fault. */
  readonly onError: (error: unknown) => void
}

/** Why the server ends a session, for the client to read. */
export type Farewell = Omit<QueryProblem, 'fault'>

const REVOKED: Farewell = { code: '28000', message: 'the API key has been revoked' }
const IDLE: Farewell = { code: '57P05', message: 'terminating connection due to idle-session timeout' }

export class Session {
  readonly #options: SessionOptions
  readonly #executor: Executor
  readonly #statements = new Map<string, ParsedStatement>()
  readonly #portals = new Map<string, Portal>()
  /** Interrupts what is at work now. */
  #interrupt: (() => void) | undefined
  #farewell: Farewell | undefined
  /** After an error in the extended protocol nothing is done until Sync. */
  #isSkipping = false

  constructor(options: SessionOptions) {
    this.#options = options
    const deallocate = (name: string | null) => this.#deallocate(name)
    this.#executor = new Executor({ ...options, writer: options.channel.writer, deallocate })
  }

  /** Of a CancelRequest. */
  cancel(): void {
    this.#interrupt?.()
  }

  /** Ends it after a last word, whatever it is doing. */
  end(farewell: Farewell): void {
    this.#farewell ??= farewell
    this.#options.channel.reader.stop()
    this.#interrupt?.()
  }

  /** Until the client goes or is sent away. @throws ConnectionLost */
  async run(): Promise<void> {
    const { channel } = this.#options
    const onClose = () => this.#interrupt?.()
    channel.socket.on('close', onClose)
    try {
      await this.#ready()
      for (;;) {
        const message = await this.#nextMessage()
        if (message === null || message.type === 'terminate') break
        await this.#handle(message)
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      this.#farewell = { code: cause.code, message: cause.message }
    } finally {
      channel.socket.off('close', onClose)
      await this.#closePortals()
      await this.#executor.close()
    }
    if (this.#farewell === undefined) return
    channel.writer.send(errorResponse(this.#farewell, 'FATAL'))
    await channel.writer.flush()
  }

  async #nextMessage(): Promise<FrontendMessage | null> {
    const { channel, limits } = this.#options
    const timer = setTimeout(() => this.end(IDLE), limits.idleTimeoutMs)
    try {
      return await readMessage(channel.reader, limits.maxMessageBytes)
    } finally {
      clearTimeout(timer)
    }
  }

  async #handle(message: FrontendMessage): Promise<void> {
    const { writer } = this.#options.channel
    if (message.type === 'query') {
      this.#isSkipping = false
      await this.#simple(message.sql)
    } else if (message.type === 'sync') {
      this.#isSkipping = false
      if (this.#executor.transaction === 'I') await this.#closePortals()
      await this.#ready()
    } else if (message.type === 'flush') {
      await writer.flush()
    } else if (!this.#isSkipping) {
      try {
        await this.#extended(message)
      } catch (cause) {
        this.#report(cause)
        this.#isSkipping = true
      }
    }
  }

  async #ready(): Promise<void> {
    if (this.#farewell !== undefined) return
    this.#options.channel.writer.send(readyForQuery(this.#executor.transaction))
    await this.#options.channel.writer.flush()
  }

  async #simple(text: string): Promise<void> {
    const { writer } = this.#options.channel
    // The unnamed ones do not outlive a simple query.
    this.#statements.delete('')
    await this.#closePortal('')
    const statements = splitStatements(text)
    if (statements.length === 0) writer.send(emptyQueryResponse())
    for (const { sql, offset } of statements) {
      try {
        await this.#runSimple(sql)
      } catch (cause) {
        this.#report(cause, text, offset)
        break
      }
    }
    await this.#ready()
  }

  async #runSimple(sql: string): Promise<void> {
    const { channel, limits } = this.#options
    const portal = new Portal((signal) => this.#executor.run(sql, signal), {
      columns: null,
      formats: [],
      maxRows: limits.maxRows,
    })
    await this.#atWork(portal, async () => {
      try {
        await portal.begin()
        const description = portal.description()
        if (description !== null) channel.writer.send(description)
        channel.writer.send(commandComplete((await portal.fetch(channel.writer, 0))!))
      } finally {
        await portal.close()
      }
    })
  }

  async #extended(message: FrontendMessage): Promise<void> {
    const { writer } = this.#options.channel
    switch (message.type) {
      case 'parse':
        await this.#parse(message.name, message.sql, message.parameterOids)
        return writer.send(parseComplete())
      case 'bind':
        await this.#bind(message)
        return writer.send(bindComplete())
      case 'describe':
        return message.what === 'statement' ? this.#describeStatement(message.name) : this.#describePortal(message.name)
      case 'execute':
        return await this.#execute(message.portal, message.maxRows)
      case 'close':
        if (message.what === 'portal') await this.#closePortal(message.name)
        else this.#statements.delete(message.name)
        return writer.send(closeComplete())
      case 'password':
        throw new ProtocolError('a password message out of place')
      default:
    }
  }

  async #parse(name: string, sql: string, oids: readonly number[]): Promise<void> {
    const { maxStatements, maxStatementCharacters } = this.#options.limits
    if (name !== '' && this.#statements.has(name))
      throw userError('42P05', `prepared statement "${name}" already exists`)
    this.#statements.delete(name)
    const characters = [...this.#statements.values()].reduce((sum, statement) => sum + statement.sql.length, sql.length)
    if (this.#statements.size >= maxStatements || characters > maxStatementCharacters) {
      throw userError('54000', 'too many prepared statements in this session: close some (DEALLOCATE)')
    }
    const abort = new AbortController()
    const work = { cancel: () => abort.abort() }
    const types = oids.map((oid) => typeNamed(oid) ?? null)
    const statement = await this.#atWork(work, () => this.#executor.prepare(sql, types, abort.signal))
    this.#statements.set(name, { ...statement, declaredOids: oids })
  }

  async #bind({ portal: name, statement: from, parameters, parameterFormats, resultFormats }: BindMessage) {
    const { maxPortals, maxRows } = this.#options.limits
    const statement = this.#statement(from)
    const { parameterTypes, columns } = statement
    if (name !== '' && this.#portals.has(name)) throw userError('42P03', `portal "${name}" already exists`)
    await this.#closePortal(name)
    if (this.#portals.size >= maxPortals) throw userError('54000', `a session has at most ${maxPortals} portals`)
    if (parameters.length !== parameterTypes.length) {
      const message = `the statement has ${parameterTypes.length} parameters, ${parameters.length} values were given`
      throw userError('08P01', message)
    }
    if (parameterFormats.length > 1 && parameterFormats.length !== parameters.length) {
      throw userError('08P01', `${parameterFormats.length} parameter formats for ${parameters.length} parameters`)
    }
    const params = parameters.map((bytes, at) => {
      const format = parameterFormats.length === 1 ? parameterFormats[0] : (parameterFormats[at] ?? 0)
      return bytes === null ? null : decodeParameter(bytes, parameterTypes[at], format, at + 1)
    })
    const start = (signal: AbortSignal) => this.#executor.execute(statement, params, signal)
    this.#portals.set(name, new Portal(start, { columns, formats: resultFormats, maxRows }))
  }

  #describeStatement(name: string): void {
    const { writer } = this.#options.channel
    const { parameterTypes, declaredOids, columns } = this.#statement(name)
    // A type the client named is told back as it named it (varchar is no text): JDBC insists.
    writer.send(parameterDescription(parameterTypes.map((type, at) => declaredOids[at] || pgType(type).oid)))
    writer.send(columns === null ? noData() : rowDescription(fieldsOf(columns, [])))
  }

  #describePortal(name: string): void {
    const { writer } = this.#options.channel
    // To PostgreSQL a cursor is a portal, and psycopg asks so.
    const cursor = this.#portals.has(name) ? null : this.#executor.cursorColumns(name)
    writer.send(cursor === null ? (this.#portal(name).description() ?? noData()) : rowDescription(fieldsOf(cursor, [])))
  }

  async #execute(name: string, maxRows: number): Promise<void> {
    const { writer } = this.#options.channel
    const portal = this.#portal(name)
    const tag = await this.#atWork(portal, () => portal.fetch(writer, Math.max(maxRows, 0)))
    if (tag === null) writer.send(portalSuspended())
    else writer.send(tag === '' ? emptyQueryResponse() : commandComplete(tag))
  }

  #statement(name: string): ParsedStatement {
    const statement = this.#statements.get(name)
    if (statement === undefined) throw userError('26000', `prepared statement "${name}" does not exist`)
    return statement
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name)
    if (portal === undefined) throw userError('34000', `portal "${name}" does not exist`)
    return portal
  }

  async #closePortal(name: string): Promise<void> {
    const portal = this.#portals.get(name)
    this.#portals.delete(name)
    await portal?.close()
  }

  async #closePortals(): Promise<void> {
    for (const name of [...this.#portals.keys()]) await this.#closePortal(name)
  }

  #deallocate(name: string | null): void {
    if (name === null) this.#statements.clear()
    else if (!this.#statements.delete(name)) throw userError('26000', `prepared statement "${name}" does not exist`)
  }

  /** Does it where the key still holds; a CancelRequest meanwhile, or the client's going, interrupts it. */
  async #atWork<T>(work: { cancel(): void }, run: () => Promise<T>): Promise<T> {
    if (!this.#options.isAllowed()) {
      this.end(REVOKED)
      throw userError(REVOKED.code, REVOKED.message)
    }
    this.#interrupt = () => work.cancel()
    try {
      return await run()
    } finally {
      this.#interrupt = undefined
    }
  }

  /** Tells the client. @throws what is no error of a statement */
  #report(cause: unknown, text = '', offset = 0): void {
    if (cause instanceof ConnectionLost || cause instanceof ProtocolError) throw cause
    this.#executor.failed()
    if (this.#farewell !== undefined) return
    if (cause instanceof QueryError) {
      const { position, ...problem } = cause.problem
      const place = position === undefined ? {} : { position: codePoints(text, offset, position) }
      this.#options.channel.writer.send(errorResponse({ ...problem, ...place }))
      return
    }
    this.#options.onError(cause)
    this.#options.channel.writer.send(errorResponse({ code: 'XX000', message: 'internal error' }))
  }
}

/** PostgreSQL counts code points of the whole query string, we UTF-16 units of the statement. */
function codePoints(text: string, offset: number, position: number): number {
  return text === '' ? position : [...text.slice(0, offset + position - 1)].length + 1
}
