/** Runs `millrace` as a person at the terminal does. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'

const main = join(import.meta.dirname, '../../main.ts')

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** @param dataDir of a running millrace @param cwd where it is started */
export function millrace(
  dataDir: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = process.cwd(),
): Promise<Ended> {
  const environment = { ...process.env, MILLRACE_DATA_DIR: dataDir, ...env }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env: environment, cwd }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}
