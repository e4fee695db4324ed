/** A Python with packages from PyPI, in an environment of its own under the temporary folder; made once for all tests. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * @param name of the environment: other packages, another name
 * @param packages with their versions
 * @returns the executable; `null` where none can be made, except in CI
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string | null> {
  const folder = join(tmpdir(), `millrace-${name}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(python)) return python
  // Made aside and renamed, so that tests that run at the same time find a whole one or none.
  const making = `${folder}.${process.pid}`
  try {
    await run('python3', ['-m', 'venv', making])
    await run(join(making, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...packages])
    await rename(making, folder).catch((error) => {
      if (!existsSync(python)) throw error
    })
    return python
  } catch (error) {
    if (process.env.CI === 'true') throw error
    return null
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}
