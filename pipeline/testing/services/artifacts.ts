/** Kafka's and the registry's jars: from Maven Central, once, kept beside the other caches. */
import { execFile, execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { OperatorError } from '../../errors/errors.ts'

const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/services')
const POM = join(import.meta.dirname, 'pom.xml')
/** 3.x of the plugin reads the artifact's parent POM, which the registry's authors have not published for this version. */
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:2.10'
const REGISTRY = 'io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all'
const OLDEST_JAVA = 17
const DOWNLOAD_TIMEOUT_MS = 540_000

/** What Maven is asked for, and the folder it ends up in. */
interface Artifact {
  readonly name: string
  readonly folder: string
  readonly goal: (folder: string) => readonly string[]
}

const KAFKA: Artifact = {
  name: 'Apache Kafka (43 MB)',
  // Another version is another folder.
  folder: join(CACHE, `kafka-${hash('sha256', readFileSync(POM)).slice(0, 12)}`),
  goal: (folder) => ['-f', POM, `${PLUGIN}:copy-dependencies`, `-DoutputDirectory=${folder}`],
}
const APICURIO: Artifact = {
  name: 'Apicurio Registry (109 MB)',
  folder: join(CACHE, `registry-${hash('sha256', REGISTRY).slice(0, 12)}`),
  goal: (folder) => [`${PLUGIN}:unpack`, `-Dartifact=${REGISTRY}`, `-DoutputDirectory=${folder}`],
}

/** Told what is being fetched, before it is. */
export type Progress = (message: string) => void

/** @returns folder of the jars that are a broker's class path @throws OperatorError as `fetchRegistry` */
export const fetchKafka = (progress?: Progress): Promise<string> => fetchArtifact(KAFKA, progress)

/** @returns folder of the registry's runner jar @throws OperatorError where Java or Maven are missing or Maven fails */
export const fetchRegistry = (progress?: Progress): Promise<string> => fetchArtifact(APICURIO, progress)

/**
 * For `describe(…, { skip: servicesMissing() })`: why the services cannot be run on this machine, or `false`. With
 * `CI=true` always `false`, so that what is missing fails.
 */
export function servicesMissing(): string | false {
  return process.env.CI === 'true' ? false : (missing([KAFKA, APICURIO]) ?? false)
}

function missing(artifacts: readonly Artifact[]): string | undefined {
  const java = javaVersion()
  if (java < OLDEST_JAVA) return `there is no Java ${OLDEST_JAVA} or newer`
  if (!artifacts.every(({ folder }) => existsSync(folder)) && !runs('mvn', '--version'))
    return 'there is no Maven (mvn)'
}

/** Major version, 0 for none. `java -version` writes `openjdk version "17.0.15" …`, Java 8 `"1.8.0_…"`. */
function javaVersion(): number {
  try {
    const text = execFileSync('java', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return Number(/ (\d+)/.exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function fetchArtifact(artifact: Artifact, progress: Progress = () => {}): Promise<string> {
  const { name, folder, goal } = artifact
  const reason = missing([artifact])
  if (reason !== undefined) throw new OperatorError(`${name} cannot be run: ${reason}`)
  if (existsSync(folder)) return folder
  progress(`fetching ${name} from Maven Central`)
  mkdirSync(CACHE, { recursive: true })
  // Whole or not at all: others may fetch at the same time, or the process may be killed.
  const own = mkdtempSync(join(CACHE, 'fetching-'))
  const jars = join(own, 'jars')
  try {
    const args = ['--batch-mode', '--quiet', '--strict-checksums', ...goal(jars)]
    await promisify(execFile)('mvn', args, { cwd: own, timeout: DOWNLOAD_TIMEOUT_MS, maxBuffer: 2 ** 24 })
    renameSync(jars, folder)
  } catch (error) {
    if (existsSync(folder)) return folder
    const { stdout, message } = error as { stdout?: string; message: string }
    throw new OperatorError(`${name} could not be fetched from Maven Central: ${stdout?.trim() || message}`, {
      cause: error,
    })
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
  return folder
}
