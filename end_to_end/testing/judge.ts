/** A stage of one's own that fails when it is told to. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configFolder } from './config_folder.ts'

/** Fails at events whose name begins with `bad` while there is a file `broken` where it is started, at all while there is one `bug`. */
const CONFIG = `
import { existsSync } from 'node:fs'
import { deadLetter, defineTransform, keep, mapEvents, type Topology } from 'millrace'
const judge = defineTransform({
  name: 'judge',
  build: () => mapEvents((event) => {
    if (existsSync('bug')) throw new TypeError('it is a bug')
    return String(event.get('name')).startsWith('bad') && existsSync('broken') ? deadLetter('condemned', \`\${event.get('name')}: guilty on 3 counts\`) : keep()
  }),
})
export default (telemetry: Topology) => telemetry.insert(judge, { after: 'flatten_attributes' })`

/** @returns a `configFolder` with it plugged in, and a file `broken` */
export function judgeFolder(): string {
  const folder = configFolder(CONFIG)
  writeFileSync(join(folder, 'broken'), '')
  return folder
}
