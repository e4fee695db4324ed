// Builds the page after an install. An install without the development tools (`npm ci --omit=dev`) has no Vite: it takes the
// page as it was built elsewhere, in ui/web/dist, or goes without.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../ui/web', import.meta.url))
let vite = null
try {
  vite = import.meta.resolve('vite')
} catch {
  const built = existsSync(`${root}/dist/index.html`)
  const then = built ? 'The page in ui/web/dist is served.' : 'To have a page, copy one built elsewhere to ui/web/dist.'
  console.log(`Vite is not installed, so the page is not built. ${then}`)
}
if (vite !== null) {
  const { build } = await import(vite)
  await build({ root, configFile: `${root}/vite.config.ts`, logLevel: 'warn' })
}
