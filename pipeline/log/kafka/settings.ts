/**
 * The settings `MILLRACE_LOG` and `MILLRACE_SCHEMA_REGISTRY_URL` of a log on Kafka:
 * `kafka://[user:password@]host:port[,host:port…][?ssl=true&mechanism=scram-sha-512&ca=<file>&prefix=<text>&replicas=<n>]`
 */
import { readFileSync } from 'node:fs'
import { OperatorError } from '../../errors/errors.ts'
import { type KafkaLogOptions, parseAddress } from './kafka.ts'
import type { Sasl } from './kafkajs.ts'

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
const PARAMETERS = ['ssl', 'ca', 'mechanism', 'prefix', 'replicas'] as const

export type KafkaSettings = Pick<
  KafkaLogOptions,
  'brokers' | 'ssl' | 'sasl' | 'prefix' | 'replicationFactor' | 'registryUrl'
>

export const isKafkaUrl = (url: string): boolean => url.startsWith('kafka://')

/**
 * @param url what `MILLRACE_LOG` says; user and password percent-encoded as in any URL
 * @param registryUrl what `MILLRACE_SCHEMA_REGISTRY_URL` says
 * @throws OperatorError naming what does not fit, without the password
 */
export function parseKafkaSettings(url: string, registryUrl: string | undefined): KafkaSettings {
  const [, credentials, hosts, query = ''] = /^kafka:\/\/(?:([^@/]*)@)?([^@/?]+)\/?(?:\?(.*))?$/.exec(url) ?? []
  if (hosts === undefined) {
    throw new OperatorError(
      'MILLRACE_LOG is no address of Kafka: write kafka://host:port,host:port, with user:password@ before it and ?ssl=true ' +
        'behind it where needed (special characters of a password percent-encoded)',
    )
  }
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].filter((name) => !(PARAMETERS as readonly string[]).includes(name))
  if (unknown.length > 0) {
    throw new OperatorError(`MILLRACE_LOG has no parameter ${unknown.join(', ')}. There are: ${PARAMETERS.join(', ')}`)
  }
  const brokers = hosts.split(',')
  for (const broker of brokers) parseAddress(broker)
  const mechanism = parameters.get('mechanism')
  return {
    brokers,
    ssl: parseSsl(parameters.get('ssl'), parameters.get('ca')),
    sasl: parseSasl(credentials, mechanism),
    prefix: parameters.get('prefix') ?? undefined,
    replicationFactor: parseReplicas(parameters.get('replicas')),
    registryUrl: parseRegistry(registryUrl),
  }
}

function parseSsl(ssl: string | null, caFile: string | null): KafkaSettings['ssl'] {
  if (ssl !== null && ssl !== 'true' && ssl !== 'false') {
    throw new OperatorError(`MILLRACE_LOG: ssl is true or false, not ${ssl}`)
  }
  if (caFile === null) return ssl === 'true'
  if (ssl === 'false') throw new OperatorError('MILLRACE_LOG: ca goes with ssl=true')
  try {
    return { ca: readFileSync(caFile, 'utf8') }
  } catch (cause) {
    throw new OperatorError(`MILLRACE_LOG: ca cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function parseSasl(credentials: string | undefined, mechanism: string | null): Sasl | null {
  const found = MECHANISMS.find((name) => name === (mechanism ?? 'scram-sha-512').toLowerCase())
  if (found === undefined) {
    throw new OperatorError(`MILLRACE_LOG: mechanism is one of ${MECHANISMS.join(', ')}, not ${mechanism}`)
  }
  if (credentials === undefined) {
    if (mechanism === null) return null
    throw new OperatorError('MILLRACE_LOG has a mechanism, but no user:password@ before the first broker')
  }
  const [, username, password] = /^([^:]+):(.+)$/.exec(credentials) ?? []
  try {
    if (password !== undefined) {
      return { mechanism: found, username: decodeURIComponent(username), password: decodeURIComponent(password) }
    }
  } catch {}
  throw new OperatorError('MILLRACE_LOG: before the @ stands user:password, special characters percent-encoded')
}

function parseReplicas(replicas: string | null): number | undefined {
  if (replicas === null) return undefined
  if (/^[1-9]\d?$/.test(replicas)) return Number(replicas)
  throw new OperatorError(`MILLRACE_LOG: replicas is a number from 1 on, not ${replicas}`)
}

function parseRegistry(url: string | undefined): string {
  if (url === undefined) {
    throw new OperatorError('a log on Kafka needs a schema registry: set MILLRACE_SCHEMA_REGISTRY_URL to its address')
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new OperatorError(
      'MILLRACE_SCHEMA_REGISTRY_URL is an http:// or https:// address, with user:password@ where needed',
    )
  }
  return url
}
