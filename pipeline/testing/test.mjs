/** `npm test`: every test, or those of the files given (`npm test -- a.test.ts`), each file in a process of its own, two at a time. */
import { runJobs, testJob } from './jobs.mjs'
import { testFiles } from './test_files.mjs'

/** More than twice what it took on a slow machine (pipeline/bench/RESULTS.md). */
const LIMIT_MS = 60 * 60_000

const given = process.argv.slice(2)
const files = given.length > 0 ? given : testFiles('all')
await runJobs(
  files.map((file) => testJob(file)),
  { workers: 2, limitMs: LIMIT_MS },
)
