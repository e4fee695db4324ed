/** The query process: takes statements over IPC, runs them, sends pages while it has credit for them. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { QueryError } from '#schemas/query.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { createEngine, type Engine, type ResultSink } from './engine.ts'
import { createProjectInstance } from './instance.ts'
import { createInstancePool } from './instance_pool.ts'
import { createSqlParser } from './parser.ts'
import { type ChildConfig, type FromChild, PAGES_IN_FLIGHT, type ToChild } from './protocol.ts'
import type { CreateQuerySources } from './sources.ts'
import { createTail } from './tail.ts'

/** A statement at work. */
interface Running {
  readonly cancel: AbortController
  credit: number
  /** Called when credit or cancellation comes. */
  wake: () => void
}

/** Sources, and what reads them. */
interface Opened {
  readonly engine: Engine
  /** Statements at work on it. */
  users: number
  close(): Promise<void>
}

const running = new Map<number, Running>()
let current: Opened | undefined
/** Set at the start; sources opened later differ in their settings only. */
let config: ChildConfig
let parser: Awaited<ReturnType<typeof createSqlParser>>
let openings = 0

function send(message: FromChild): void {
  // The parent may be gone: then `disconnect` ends this process.
  if (process.connected) process.send!(message)
}

async function start(given: ChildConfig): Promise<void> {
  config = given
  rmSync(config.tempDirectory, { recursive: true, force: true })
  parser = await createSqlParser()
  current = await open(config.settings)
}

/** @throws OperatorError where log or lake cannot be opened */
async function open(settings: unknown): Promise<Opened> {
  const tempDirectory = join(config.tempDirectory, String(openings++))
  mkdirSync(tempDirectory, { recursive: true })
  const { createQuerySources } = (await import(config.sources)) as { createQuerySources: CreateQuerySources }
  const { log, lake, lakeGroup, close } = await createQuerySources(settings)
  const pool = createInstancePool(config.maxInstances, (projectId) =>
    createProjectInstance({
      directory: lake.directory(projectId),
      tempDirectory: join(tempDirectory, projectId),
      memoryBytes: config.instanceMemoryBytes,
      tempBytes: config.instanceTempBytes,
      threads: config.instanceThreads,
    }),
  )
  const tail = createTail({
    log,
    topic: telemetryEvents,
    group: lakeGroup,
    maxBytes: config.tailMaxBytes,
    maxRecords: config.tailMaxRecords,
  })
  return {
    engine: createEngine({ parser, pool, lake, tail }),
    users: 0,
    async close() {
      await pool.close()
      await close()
    },
  }
}

async function use(settings: unknown): Promise<void> {
  const before = current
  current = await open(settings)
  if (before?.users === 0) await before.close()
}

async function answer({ kind, id, request }: Extract<ToChild, { kind: 'query' | 'describe' }>): Promise<void> {
  const cancel = new AbortController()
  const state: Running = { cancel, credit: PAGES_IN_FLIGHT, wake() {} }
  running.set(id, state)
  const opened = current!
  opened.users++
  try {
    if (kind === 'describe') {
      send({ kind: 'description', id, description: await opened.engine.describe(request, cancel.signal) })
    } else {
      const { truncated } = await opened.engine.run(request, sinkOf(id, state), cancel.signal)
      send({ kind: 'end', id, truncated })
    }
  } catch (cause) {
    send({ kind: 'problem', id, problem: (cause as QueryError).problem })
  } finally {
    running.delete(id)
    opened.users--
    if (opened !== current && opened.users === 0) await opened.close()
  }
}

/** Sends pages to the parent while there is credit for them. */
function sinkOf(id: number, state: Running): ResultSink {
  return {
    columns: (columns, asOf) => send({ kind: 'columns', id, columns, asOf }),
    async page(rows, signal) {
      while (state.credit === 0) await creditOrAbort(state, signal)
      state.credit--
      send({ kind: 'page', id, rows })
    },
  }
}

function creditOrAbort(state: Running, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal.removeEventListener('abort', settle)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    state.wake = settle
    signal.addEventListener('abort', settle)
    if (signal.aborted) settle()
  })
}

process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'start':
      start(message.config).then(
        () => send({ kind: 'ready' }),
        (cause) => send({ kind: 'failed', message: (cause as Error).message }),
      )
      break
    case 'use':
      use(message.settings).then(
        () => send({ kind: 'using' }),
        (cause) => send({ kind: 'failed', message: (cause as Error).message }),
      )
      break
    case 'query':
    case 'describe':
      void answer(message)
      break
    case 'credit': {
      const state = running.get(message.id)
      if (state !== undefined) {
        state.credit++
        state.wake()
      }
      break
    }
    case 'cancel':
      running.get(message.id)?.cancel.abort()
  }
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole process group; the parent decides when this one ends.
process.on('SIGINT', () => {})
