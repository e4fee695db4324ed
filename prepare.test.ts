import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'

// Outside of the project, where no Vite is found: what `npm ci --omit=dev` has.
const folder = mkdtempSync(join(tmpdir(), 'millrace-prepare-'))
after(() => rmSync(folder, { recursive: true }))

it('an install without Vite does not fail, and says in one line what becomes of the page', () => {
  mkdirSync(join(folder, 'bin'))
  copyFileSync(join(import.meta.dirname, 'bin/prepare.mjs'), join(folder, 'bin/prepare.mjs'))
  const prepare = () => execFileSync(process.execPath, [join(folder, 'bin/prepare.mjs')]).toString()
  assert.match(prepare(), /^Vite is not installed, .* copy one built elsewhere to ui\/web\/dist\.\n$/)
  mkdirSync(join(folder, 'ui/web/dist'), { recursive: true })
  writeFileSync(join(folder, 'ui/web/dist/index.html'), '')
  assert.match(prepare(), /^Vite is not installed, .* The page in ui\/web\/dist is served\.\n$/)
})
