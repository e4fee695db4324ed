/** Sees to it that the tests look at the page as its sources are now. */
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')

/** Builds where a source is newer than the build. After `npm ci` none is, so that test files side by side build nothing. */
export async function buildIfStale(): Promise<void> {
  const sources = globSync(['index.html', 'vite.config.ts', 'public/**', 'src/**'], { cwd: root })
  const changedMs = Math.max(...sources.map((name) => statSync(join(root, name)).mtimeMs))
  const builtMs = statSync(join(root, 'dist/index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (changedMs > builtMs) await build({ root, logLevel: 'warn' })
}
