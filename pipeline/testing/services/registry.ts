/** Apicurio Registry for tests and for trying out: a schema registry with Confluent's API, on this machine only. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchRegistry, type Progress } from './artifacts.ts'
import { HOST } from './broker_settings.ts'
import { type Controls, controlsOf, JavaServer } from './java_server.ts'
import { freePorts } from './ports.ts'

const RUNNER = 'apicurio-registry-app-3.0.9-runner.jar'

export interface RegistryOptions {
  /** Where its data is, made if it does not exist and kept; default: a temporary folder that goes with the registry. */
  readonly folder?: string
  /** Default: a free one. */
  readonly port?: number
  readonly progress?: Progress
}

export interface RegistryServer extends Controls {
  /** Of Confluent's API: `<url>/subjects` lists them. */
  readonly url: string
  /** Ends it; a temporary folder goes. */
  close(): Promise<void>
}

/** Of its Confluent API on a port of this machine. */
export const registryUrl = (port: number): string => `http://${HOST}:${port}/apis/ccompat/v7`

/** Rejects where the registry cannot be used yet. */
export async function registryAnswers(url: string): Promise<void> {
  const { ok, status } = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5_000) })
  if (!ok) throw new Error(`the registry answers ${status}`)
}

/**
 * Returns when it answers (five seconds on a quiet machine). Schemas are in H2, a database in a file.
 * @throws OperatorError where Java or Maven are missing, or it does not start: with what it said
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<RegistryServer> {
  const jars = await fetchRegistry(options.progress)
  const temporary = options.folder === undefined
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  const port = options.port ?? (await freePorts(1))[0]
  const url = registryUrl(port)
  // By default H2 writes half a second late: what was answered must outlive a kill.
  const database = `jdbc:h2:file:${join(folder, 'registry')};WRITE_DELAY=0`
  const properties = {
    'quarkus.http.host': HOST,
    'quarkus.http.port': String(port),
    'quarkus.log.level': 'WARN',
    'quarkus.http.access-log.enabled': 'false',
    'apicurio.storage.sql.kind': 'h2',
    'apicurio.datasource.url': database,
  }
  const settings = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
  const server = new JavaServer({
    name: 'Apicurio Registry',
    folder,
    temporary,
    args: [...settings, '-jar', join(jars, RUNNER)],
    answers: () => registryAnswers(url),
  })
  const close = async (): Promise<void> => {
    await (temporary ? server.kill() : server.stop())
    if (temporary) rmSync(folder, { recursive: true, force: true })
  }
  try {
    await server.start()
  } catch (error) {
    await close()
    throw error
  }
  return Object.assign(controlsOf(server), { url, close })
}
