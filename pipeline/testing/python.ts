/** A Python with packages from PyPI, for tests that let other people's software read what we write. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * An environment of its own under the temporary folder, kept for the next time.
 * @param name of the environment: one for each set of packages
 * @param packages with their versions: `pyarrow==26.0.1`
 * @returns path of its interpreter; `null` where none can be made, but with `CI=true` it throws
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string | null> {
  const folder = join(tmpdir(), `millrace-python-${name}`)
  const executable = join(folder, 'bin', 'python')
  try {
    if (!existsSync(executable)) await run('python3', ['-m', 'venv', folder])
    await run(executable, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
    return executable
  } catch (error) {
    if (process.env.CI === 'true') throw error
    return null
  }
}
