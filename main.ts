/**
 * The composition root and the command line: the only file that knows every room.
 * Read `startMillrace` from the top to follow the data.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createErrorLog } from '#pipeline/observability/error_log.ts'
import { createLogger, type Logger } from '#pipeline/observability/logger.ts'
import { createProcessMetrics } from '#pipeline/observability/process_metrics.ts'
import { createReporter } from '#pipeline/runtime/report.ts'
import { startRuntime } from '#pipeline/runtime/runtime.ts'
import { createWorkers } from '#pipeline/runtime/workers.ts'
import { createPostgresStateStore } from '#pipeline/state/postgres.ts'
import { createSqliteStateStore } from '#pipeline/state/sqlite.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { acceptedUntil } from '#sinks/dead_letters/accept.ts'
import { createDeadLetters } from '#sinks/dead_letters/dead_letters.ts'
import { defineLake } from '#sinks/lake/lake.ts'
import { createPgwireServer } from '#sinks/lake/pgwire/server.ts'
import { LOCAL_SOURCES } from '#sinks/lake/query/local_sources.ts'
import { createQueryProcess } from '#sinks/lake/query/query_process.ts'
import { readAccount } from '#sinks/postgres/in_flight.ts'
import { definePostgres } from '#sinks/postgres/postgres.ts'
import { readServices, readUsage, readUsageToday } from '#sinks/postgres/read.ts'
import { createLiveLake } from '#sinks/replay/live_lake.ts'
import { checkStore } from '#sinks/store/check_store.ts'
import { receiverMetrics } from '#topologies/receive/metrics.ts'
import { createReceiver } from '#topologies/receive/receiver.ts'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { runCommandLine } from '#ui/cli/command_line.ts'
import { announceRunning, forgetRunning } from '#ui/cli/running.ts'
import { createAccess } from '#ui/server/api/access.ts'
import { type ProbeOptions, probeRoutes } from '#ui/server/api/probe_routes.ts'
import { apiRoutes } from '#ui/server/api/routes.ts'
import { createStoredDirectory } from '#ui/server/directory/directory.ts'
import { createSessions } from '#ui/server/directory/sessions.ts'
import { createHttpServer } from '#ui/server/server.ts'
import { createLiveTail } from '#ui/server/tail/live_tail.ts'
import { createOidc } from '#ui/server/web/oidc.ts'
import { isPageBuilt, PAGE_NOT_BUILT, pageRoute } from '#ui/server/web/page.ts'
import { openArchive } from './archive.ts'
import { configured } from './config.ts'
import { prepareDataFolder } from './data_folder.ts'
import { localKey } from './local_key.ts'
import { openLog, storesOf } from './log.ts'
import { moveLog } from './move_log.ts'
import { openPostgres } from './postgres.ts'
import { dropOtherCaches, lakeSources, openReplays } from './replay.ts'
import { ROLES, type Role } from './roles.ts'
import { readSettings, readTls, type Settings, type StartFlags } from './settings.ts'

const PAGE_DIRECTORY = join(import.meta.dirname, 'ui/web/dist')

export interface Millrace {
  readonly httpUrl: string
  readonly ports: { readonly grpc: number; readonly http: number; readonly sql: number }
  /** The key made at the very first start; shown once, `null` ever after. */
  readonly firstKey: string | null
  /** Records that stages and sinks have yet to commit, all together, and those that are stopped, with their reasons. */
  behind(): Promise<{ readonly records: number; readonly stopped: readonly string[] }>
  /** Stops taking data in, finishes what is in flight, makes it durable. */
  close(): Promise<void>
}

/**
 * Starts what the roles ask for in this process (and the query process beside it): everything by default.
 * @throws OperatorError with one sentence that says what to do: a taken port, a foreign or damaged folder
 */
export async function startMillrace(settings: Settings, logger: Logger): Promise<Millrace> {
  const { dataDir, bind, roles } = settings
  const opened: { close(): unknown }[] = []
  const opens = <T extends { close(): unknown }>(part: T): T => {
    opened.push(part)
    return part
  }
  // Backwards: what takes data in closes first, what the others write to last.
  const close = async (): Promise<void> => {
    forgetRunning(dataDir)
    for (const part of opened.splice(0).reverse()) {
      try {
        await part.close()
      } catch (error) {
        // It must not keep the others from making durable what they have.
        logger.error({ error: (error as Error).message }, 'closing')
      }
    }
  }
  try {
    prepareDataFolder(dataDir)
    const warn = (message: string) => logger.warn(message)
    const { log, place, isShared, partitions, health } = opens(await openLog(settings, warn))
    const { postgresUrl: url, apiKey } = settings
    const postgres = opens(await openPostgres({ url, directory: join(dataDir, 'postgres'), warn }))
    const { database } = postgres
    const directory = opens(
      await createStoredDirectory(
        { database, file: join(dataDir, 'directory.json'), apiKey, warn },
        postgres.reachable,
      ),
    )
    const local = localKey(directory)

    if (roles.has('lake')) await checkStore(settings.lake, warn)
    const lakeFailed = createErrorLog(logger, 'lake')
    const live = opens(await createLiveLake({ database, file: join(dataDir, 'live_lake.json'), warn }))
    const retentions = () =>
      directory
        .projects()
        .flatMap(({ id: projectId, retentionDays: days }) => (days === null ? [] : { projectId, days }))
    const lakeOf = (generation: number) => ({
      store: settings.lake,
      generation,
      retentions,
      warn: (message: string, error: Error) => lakeFailed(`${message}: ${error.message}`),
    })
    const lake = defineLake(lakeOf(live.generation))
    const projections = definePostgres({ database, warn })
    const archive = await openArchive(settings, log, warn)
    const topology = await configured(telemetry.withSinks([lake, projections, ...archive]), process.cwd())
    const states = opens(isShared ? createPostgresStateStore(database) : createSqliteStateStore(settings.stateFile))
    const runtime = opens(
      await startRuntime({
        topology,
        log,
        states,
        logger,
        partitions,
        runs: roles.runs(topology),
        acceptGaps: settings.acceptGaps,
        failures: {
          projects: () => directory.projects().length,
          acceptedUntil: (part) => acceptedUntil(database, part),
        },
      }),
    )
    const reporter = opens(createReporter(topology, runtime, log))
    const workers = isShared
      ? opens(createWorkers({ database, log: log.id, roles: roles.names, reporter, warn }))
      : reporter
    const processMetrics = opens(createProcessMetrics())
    await dropOtherCaches(settings, live.generation)
    const query =
      roles.has('query') || roles.has('ui')
        ? opens(
            await createQueryProcess({
              sources: LOCAL_SOURCES,
              settings: lakeSources(settings, place, live.generation),
              tempDirectory: join(dataDir, 'tmp'),
              warn,
            }),
          )
        : null
    live.follow(async (generation) => {
      await query?.use(lakeSources(settings, place, generation))
      await runtime.replaceSink(defineLake(lakeOf(generation)))
    })
    const { connection } = postgres
    const replays = opens(
      await openReplays({ database, connection, log, place, topology, live, settings, retentions, warn }),
    )
    const receiver = roles.has('receive')
      ? opens(
          await createReceiver({
            log,
            registry: log,
            directory,
            usageToday: () => readUsageToday(database, Date.now()),
            host: bind,
            ports: { grpc: settings.otlpGrpcPort, http: settings.otlpHttpPort },
            onError: createErrorLog(logger, 'receiver'),
          }),
        )
      : null
    const sql =
      query !== null && roles.has('query')
        ? opens(
            await createPgwireServer({
              host: bind,
              port: settings.sqlPort,
              queries: query,
              directory,
              tls: settings.tls === undefined ? undefined : readTls(settings.tls),
              onError: createErrorLog(logger, 'pgwire'),
            }),
          )
        : null
    const deadLetters = roles.has('ui')
      ? opens(createDeadLetters({ database, log, topology, warn, onError: createErrorLog(logger, 'dead letters') }))
      : null
    const sessions = createSessions({ database, directory: local.directory })
    const access = createAccess({ directory: local.directory, sessions })
    const tail =
      query !== null && roles.has('ui')
        ? createLiveTail({ log, topic: telemetryEvents, handover: runtime.handover, queries: query })
        : null
    const ports = receiver?.ports ?? { grpc: settings.otlpGrpcPort, http: settings.otlpHttpPort }
    const probes: ProbeOptions = {
      notReady: () => [
        ...health(),
        ...reporter.notReady(),
        ...(query?.health().ready === false ? ['the query process is starting'] : []),
      ],
      metrics: async () => [
        ...(await reporter.metrics()),
        ...(receiver === null ? [] : receiverMetrics(receiver)),
        ...(tail?.metrics() ?? []),
        ...processMetrics.families(),
      ],
      topology: () => workers.report(),
    }
    const http = opens(
      await createHttpServer({
        host: bind,
        port: settings.httpPort,
        access,
        database,
        changed: async () => {
          sessions.forget()
          await directory.refresh()
        },
        ...(query === null || tail === null || deadLetters === null
          ? { routes: probeRoutes(probes) }
          : {
              routes: apiRoutes({
                ...probes,
                ...{ database, sessions, access, deadLetters, replays, queries: query },
                directory: local.directory,
                projections: {
                  services: (projectId) => readServices(database, projectId),
                  usage: (projectId) => readUsage(database, projectId),
                  account: (projectId) => readAccount(database, log, projectId),
                },
                oidc: settings.oidc === undefined ? null : createOidc(settings.oidc),
                otlp: ports,
              }),
              upgrades: [tail],
              page: pageRoute(PAGE_DIRECTORY),
            }),
        onError: createErrorLog(logger, 'http'),
      }),
    )
    if (roles.has('ui')) announceRunning(dataDir, { pid: process.pid, url: http.url, key: local.key })
    return {
      httpUrl: http.url,
      ports: { ...ports, sql: sql?.port ?? settings.sqlPort },
      firstKey: directory.firstKey,
      async behind() {
        const { parts } = await reporter.report()
        const records = parts.reduce((sum, { lag_records }) => sum + lag_records, 0)
        return { records, stopped: [...health(), ...reporter.notReady()] }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Runs until a signal ends it; a second signal ends it at once, and so does the time it may take. */
async function serve(flags: StartFlags): Promise<void> {
  const started = performance.now()
  const settings = readSettings(process.env, flags)
  const { roles, drainMs } = settings
  const logger = createLogger(settings.logLevel)
  const millrace = await startMillrace(settings, logger)
  const { ports, httpUrl, firstKey } = millrace
  const host = settings.bind === '127.0.0.1' ? 'localhost' : settings.bind
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const key =
    firstKey === null ? 'as before (npx millrace key add makes another)' : `${firstKey}   shown this once, keep it`
  const lines: readonly (readonly [Role | null, string])[] = [
    [null, `millrace is ready (${seconds} s), data in ${settings.dataDir}`],
    [null, ''],
    ['receive', `  OTLP/HTTP  http://${host}:${ports.http}`],
    ['receive', `  OTLP/gRPC  http://${host}:${ports.grpc}`],
    ['ui', `  Web, API   ${httpUrl}`],
    ['query', `  psql       psql "postgres://default:<API key>@${host}:${ports.sql}/millrace"`],
    [
      'ui',
      `  SQL        npx millrace sql "select timestamp, level, body from otel_logs_and_spans order by timestamp desc limit 10"`,
    ],
    [null, `  API key    ${key}`],
    ...(roles.isWhole ? [] : [[null, `  Roles      ${roles.names.join(', ')}; probes at ${httpUrl}`] as const]),
    [null, ''],
  ]
  const shown = lines.filter(([role]) => role === null || roles.has(role)).map(([, line]) => line)
  process.stdout.write(`${shown.join('\n')}\n`)
  if (roles.has('ui') && !isPageBuilt(PAGE_DIRECTORY)) logger.warn(PAGE_NOT_BUILT)
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, resolve)
  })
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1))
  process.stdout.write(`${signal}: finishing what is in flight (again to end at once)\n`)
  setTimeout(() => {
    logger.error({ drainMs }, 'not finished in time: ended; what was not committed is read again at the next start')
    process.exit(1)
  }, drainMs).unref()
  await millrace.close()
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const settings = () => readSettings(process.env)
    await runCommandLine(process.argv, {
      ...{ serve, roles: ROLES, settings },
      stores: () => storesOf(settings()),
      moveLog: () => {
        const say = (line: string) => void process.stdout.write(`${line}\n`)
        return moveLog({ settings: settings(), start: startMillrace, logger: createLogger('warn'), say })
      },
    })
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    process.stderr.write(`millrace: ${error.message}\n`)
    process.exitCode = 2
  }
}
