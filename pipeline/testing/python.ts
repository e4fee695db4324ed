/** A Python with packages from PyPI, for tests that let other people's software read what we write. */
import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const INSTALL_TIMEOUT_MS = 180_000

/**
 * An environment of its own under the temporary folder, kept for the next time.
 * @param packages with their versions: `pyarrow==26.0.1`
 * @returns path of its interpreter; `null` where none can be made, but with `CI=true` it throws
 */
export async function pythonWith(...packages: readonly string[]): Promise<string | null> {
  const folder = join(tmpdir(), `millrace-python-${hash('sha256', packages.join(' ')).slice(0, 12)}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(python)) return python
  // Made aside and renamed, so that tests that run at the same time find a whole one or none.
  const making = `${folder}.${process.pid}`
  try {
    await run('python3', ['-m', 'venv', making])
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
    await run(join(making, 'bin', 'python'), install, { timeout: INSTALL_TIMEOUT_MS })
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
