/**
 * Runs tests and ends on `N passed, N failed`.
 * `node pipeline/testing/run.mjs fast` runs what is fast, `all` everything, each file in a process of its own;
 * `together` runs the files given after it in one. Further arguments are files.
 */
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { testFiles } from './test_files.mjs'

// Every test file is a process: compiling what they share once takes a third off the whole.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url))

const [mode, ...files] = process.argv.slice(2)
const chosen = files.length > 0 ? files : testFiles(mode)
const how = mode === 'together' ? { isolation: 'none' } : { concurrency: 2 }

const counts = { passed: 0, failed: 0, skipped: 0 }
const stream = run({ files: chosen, timeout: 600_000, ...how })
stream.on('test:summary', ({ file, counts: sums }) => {
  if (file !== undefined) return
  counts.passed = sums.passed
  counts.failed = sums.failed + sums.cancelled
  counts.skipped = sums.skipped
})
stream.compose(new spec()).pipe(process.stdout)
stream.on('close', () => finish())
stream.on('end', () => setImmediate(finish))

let finished = false
function finish() {
  if (finished) return
  finished = true
  const skippedInCi = process.env.CI === 'true' && counts.skipped > 0
  setTimeout(() => {
    if (skippedInCi) console.log(`with CI=true no test may be skipped, but ${counts.skipped} were`)
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`)
    process.exit(counts.failed > 0 || counts.passed === 0 || skippedInCi ? 1 : 0)
  }, 50)
}
