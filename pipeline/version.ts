/** Which millrace this is: what it writes about itself into dead letters, for people to know whose code failed. */
import { readFileSync } from 'node:fs'

/** As in package.json. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
