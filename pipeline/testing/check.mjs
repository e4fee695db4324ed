/**
 * `npm run check`: format and lint, types, and the fast tests, all at the same time; ends on `N passed, N failed`.
 *
 * `npm test` gives every test file a process of its own. Starting one costs more than most files' tests do, so here some
 * files share one, as many as are at work at a time as there are cores and one more: tests wait now and then.
 */
import { availableParallelism } from 'node:os'
import { root, runJobs, testJob } from './jobs.mjs'
import { testFiles } from './test_files.mjs'

const FILES_OF_A_GROUP = 8
const LIMIT_MS = 5 * 60_000

const tool = (name, ...args) => ({ name: [name, ...args].join(' '), command: `${root}node_modules/.bin/${name}`, args })
const types = (project, cache) =>
  tool('tsc', '-p', project, '--incremental', '--tsBuildInfoFile', `${root}node_modules/.cache/types/${cache}`)

const files = testFiles('fast')
const groups = Array.from({ length: Math.ceil(files.length / FILES_OF_A_GROUP) }, (_, group) =>
  testJob(...files.slice(group * FILES_OF_A_GROUP, (group + 1) * FILES_OF_A_GROUP)),
)
// What takes longest first.
const jobs = [types('.', 'server'), types('ui/web', 'page'), tool('biome', 'ci', '.'), ...groups]
await runJobs(jobs, { workers: availableParallelism() + 1, limitMs: LIMIT_MS })
