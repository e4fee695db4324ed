/** Which tests there are. */
import { globSync } from 'node:fs'

/** @param mode `all`, or `fast`: those that take neither real processes nor more than two seconds */
export function testFiles(mode) {
  const found = globSync('{pipeline,schemas,topologies,sinks,ui,demo,end_to_end}/**/*.test.ts')
    .concat(globSync('*.test.ts'))
    .sort()
  return mode === 'all' ? found : found.filter((file) => !file.endsWith('.slow.test.ts'))
}
