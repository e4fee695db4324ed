/** A place to start millrace in with stages of one's own. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns a new folder with this `millrace.config.ts`; in the checkout, where `millrace` is found */
export function configFolder(config: string): string {
  const folder = mkdtempSync(join(import.meta.dirname, '../../.guide-'))
  writeFileSync(join(folder, 'millrace.config.ts'), config)
  return folder
}
