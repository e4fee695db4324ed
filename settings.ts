/** What the environment may set (design: the contract with the outside), checked before anything starts. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { isKafkaUrl, type KafkaSettings, parseKafkaSettings } from '#pipeline/log/kafka/settings.ts'
import { placeOf, type StoreSettings } from '#sinks/store/open_store.ts'
import { type RoleFlags, type Roles, rolesOf } from './roles.ts'

const port = (fallback: number) =>
  z.coerce.number({ error: 'is a port, 0 to 65535' }).int().min(0).max(65_535).default(fallback)

/** A provider asked without TLS could be anybody. */
const isSafeIssuer = (url: string) => /^https:|^http:\/\/(localhost|127(\.\d+){3}|\[::1\])([:/]|$)/.test(url)

const schema = z.object({
  MILLRACE_DATA_DIR: z.string().min(1).default('./data'),
  MILLRACE_BIND: z.string().min(1).default('127.0.0.1'),
  MILLRACE_OTLP_GRPC_PORT: port(4317),
  MILLRACE_OTLP_HTTP_PORT: port(4318),
  MILLRACE_HTTP_PORT: port(8080),
  MILLRACE_SQL_PORT: port(15_432),
  MILLRACE_TLS_CERT: z.string().min(1).optional(),
  MILLRACE_TLS_KEY: z.string().min(1).optional(),
  MILLRACE_LOG: z
    .string()
    .refine((text) => text === 'embedded:' || isKafkaUrl(text), 'is embedded: or starts with kafka://')
    .default('embedded:'),
  MILLRACE_SCHEMA_REGISTRY_URL: z.string().min(1).optional(),
  MILLRACE_LAKE: z
    .string()
    .regex(/^(file:|s3:\/\/)/, 'starts with file: or s3://')
    .optional(),
  MILLRACE_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'is an http(s):// address' }).optional(),
  MILLRACE_CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(2 ** 28, 'is at least 268435456 (256 MiB)')
    .default(10 * 2 ** 30),
  MILLRACE_ARCHIVE: z
    .string()
    .regex(/^(file:|s3:\/\/)/, 'starts with file: or s3://')
    .optional(),
  MILLRACE_ARCHIVE_DAYS: z.coerce.number().int().min(1).optional(),
  MILLRACE_POSTGRES_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'starts with postgres://')
    .optional(),
  MILLRACE_OIDC_ISSUER: z.url().refine(isSafeIssuer, 'is an https:// address, or one of this machine').optional(),
  MILLRACE_OIDC_CLIENT_ID: z.string().min(1).optional(),
  MILLRACE_OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  MILLRACE_API_KEY: z.string().min(16, 'has at least 16 characters').optional(),
  MILLRACE_PARTITIONS: z.coerce.number().int().min(1).max(4096).optional(),
  MILLRACE_DRAIN_SECONDS: z.coerce.number().min(0).max(3600).default(25),
  MILLRACE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export interface Settings {
  readonly dataDir: string
  readonly bind: string
  readonly otlpGrpcPort: number
  readonly otlpHttpPort: number
  readonly httpPort: number
  /** PostgreSQL's wire protocol. */
  readonly sqlPort: number
  /** Files in PEM: SQL connections are encrypted for clients that ask. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly roles: Roles
  /** Stages and sinks that go on over records trimmed unread. */
  readonly acceptGaps: readonly string[]
  /** The log on Kafka; `null` for the one in the data folder. */
  readonly kafka: KafkaSettings | null
  /** Folder of the embedded log, and file of its stages' state: in the data folder. */
  readonly logDir: string
  readonly stateFile: string
  readonly lake: StoreSettings
  /** Where raw records are kept beyond the log's retention, and for how many days; `null`: nowhere. */
  readonly archive: { readonly store: StoreSettings; readonly keepDays: number | undefined } | null
  /** Copies of a bucket's objects, for SQL. */
  readonly cache: { readonly directory: string; readonly maxBytes: number }
  /** A PostgreSQL server of one's own; without it there is one in the data folder. */
  readonly postgresUrl: string | undefined
  /** Where people may sign in besides. */
  readonly oidc:
    | { readonly issuer: string; readonly clientId: string; readonly clientSecret: string | undefined }
    | undefined
  /** A key with all scopes on the project `default`, known beside those in the key file. */
  readonly apiKey: string | undefined
  /** Partitions of every topic; without it as many as the topics have, or are made with by default. */
  readonly partitions: number | undefined
  /** How long an end by signal may take before it is forced. */
  readonly drainMs: number
  readonly logLevel: string
}

/** What may be said at the start besides. */
export interface StartFlags extends RoleFlags {
  /** `--accept-gap name`, repeated. */
  readonly acceptGap?: readonly string[]
}

/** @throws OperatorError naming every setting that does not fit, and every `MILLRACE_` one that does not exist */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  flags: StartFlags = {},
): Settings {
  const unknown = Object.keys(environment).filter((name) => name.startsWith('MILLRACE_') && !(name in schema.shape))
  if (unknown.length > 0) {
    throw new OperatorError(
      `there is no setting ${unknown.join(', ')}. The settings are: ${Object.keys(schema.shape).join(', ')}`,
    )
  }
  const parsed = schema.safeParse(environment)
  if (!parsed.success) {
    throw new OperatorError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  }
  const set = parsed.data
  const dataDir = resolve(set.MILLRACE_DATA_DIR)
  const roles = rolesOf(flags)
  const kafka = kafkaOf(set.MILLRACE_LOG, set.MILLRACE_SCHEMA_REGISTRY_URL)
  if (kafka !== null) checkShared(roles, set)
  return {
    dataDir,
    roles,
    acceptGaps: flags.acceptGap ?? [],
    kafka,
    bind: set.MILLRACE_BIND,
    otlpGrpcPort: set.MILLRACE_OTLP_GRPC_PORT,
    otlpHttpPort: set.MILLRACE_OTLP_HTTP_PORT,
    httpPort: set.MILLRACE_HTTP_PORT,
    sqlPort: set.MILLRACE_SQL_PORT,
    tls: tlsFiles(set.MILLRACE_TLS_CERT, set.MILLRACE_TLS_KEY),
    logDir: resolve(dataDir, 'log'),
    stateFile: resolve(dataDir, 'state.db'),
    lake: storeAt(set.MILLRACE_LAKE ?? `file:${resolve(dataDir, 'lake')}`, set.MILLRACE_S3_ENDPOINT),
    archive: archiveOf(set.MILLRACE_ARCHIVE, set.MILLRACE_S3_ENDPOINT, set.MILLRACE_ARCHIVE_DAYS),
    cache: { directory: resolve(dataDir, 'cache'), maxBytes: set.MILLRACE_CACHE_BYTES },
    postgresUrl: set.MILLRACE_POSTGRES_URL,
    oidc: oidcClient(set.MILLRACE_OIDC_ISSUER, set.MILLRACE_OIDC_CLIENT_ID, set.MILLRACE_OIDC_CLIENT_SECRET),
    apiKey: set.MILLRACE_API_KEY,
    partitions: set.MILLRACE_PARTITIONS,
    drainMs: set.MILLRACE_DRAIN_SECONDS * 1000,
    logLevel: set.MILLRACE_LOG_LEVEL,
  }
}

/** @throws OperatorError where there is a registry without Kafka, or what is said of them does not fit */
function kafkaOf(url: string, registryUrl: string | undefined): Settings['kafka'] {
  if (isKafkaUrl(url)) return parseKafkaSettings(url, registryUrl)
  if (registryUrl === undefined) return null
  throw new OperatorError(
    'MILLRACE_SCHEMA_REGISTRY_URL goes with MILLRACE_LOG=kafka://…: the embedded log keeps schemas itself',
  )
}

/** @throws OperatorError where processes that share a log would each have a PostgreSQL or a lake of their own */
function checkShared({ isWhole }: Roles, set: z.output<typeof schema>): void {
  if (isWhole) return
  const missing = (['MILLRACE_POSTGRES_URL', 'MILLRACE_LAKE'] as const).filter((name) => set[name] === undefined)
  if (missing.length === 0) return
  throw new OperatorError(`with --roles or --stage, processes share what they work on: set ${missing.join(' and ')}`)
}

/** @throws OperatorError where there are days and no archive, or its URL is none of a store */
function archiveOf(
  url: string | undefined,
  s3Endpoint: string | undefined,
  days: number | undefined,
): Settings['archive'] {
  if (url !== undefined) return { store: storeAt(url, s3Endpoint), keepDays: days }
  if (days === undefined) return null
  throw new OperatorError('MILLRACE_ARCHIVE_DAYS goes with MILLRACE_ARCHIVE: where the archive is')
}

/** A store with its folder from the root. @throws OperatorError where the URL is none of a store */
function storeAt(url: string, s3Endpoint: string | undefined): StoreSettings {
  const place = placeOf(url)
  return place.kind === 'folder' ? { url: `file:${resolve(place.directory)}` } : { url, s3Endpoint }
}

/** @throws OperatorError where there is an issuer without a client, or the other way round */
function oidcClient(
  issuer: string | undefined,
  clientId: string | undefined,
  clientSecret: string | undefined,
): Settings['oidc'] {
  if (issuer !== undefined && clientId !== undefined) return { issuer, clientId, clientSecret }
  if (issuer === undefined && clientId === undefined && clientSecret === undefined) return undefined
  throw new OperatorError('MILLRACE_OIDC_ISSUER and MILLRACE_OIDC_CLIENT_ID go together: the provider, and us there')
}

/** @throws OperatorError where there is one without the other */
function tlsFiles(certFile: string | undefined, keyFile: string | undefined): Settings['tls'] {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile }
  if (certFile === undefined && keyFile === undefined) return undefined
  throw new OperatorError(
    'MILLRACE_TLS_CERT and MILLRACE_TLS_KEY go together: the files of a certificate and of its key',
  )
}

/** The PEM text of both. @throws OperatorError where a file cannot be read */
export function readTls({ certFile, keyFile }: NonNullable<Settings['tls']>): { cert: string; key: string } {
  try {
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  } catch (cause) {
    throw new OperatorError(`MILLRACE_TLS_CERT and MILLRACE_TLS_KEY: ${(cause as Error).message}`, { cause })
  }
}
