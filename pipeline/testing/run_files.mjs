/**
 * `node pipeline/testing/run_files.mjs a.test.ts b.test.ts`: runs test files in this process, one after the other, and ends
 * on `N passed, N failed`. What starts it, and sees to it that it ends: jobs.mjs.
 */
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { inspect } from 'node:util'

/** Of one test, in ms. */
const TEST_TIMEOUT = 240_000
/** A server, a connection or a timer that a test forgot keeps a process for ever: said, rather than waited for. In ms. */
const OPEN_AFTER_THE_LAST = 5_000

const sums = { passed: 0, failed: 0, skipped: 0 }
const stream = run({ files: process.argv.slice(2), isolation: 'none', timeout: TEST_TIMEOUT })
stream.on('test:summary', ({ counts }) => {
  sums.passed = counts.passed
  sums.failed = counts.failed + counts.cancelled
  sums.skipped = counts.skipped
})
watchForWhatIsOpen()
const report = stream.compose(withoutSums).compose(new spec())
report.pipe(process.stdout, { end: false })
await new Promise((ended) => report.once('end', ended))

const skippedInCi = process.env.CI === 'true' && sums.skipped > 0
if (skippedInCi) console.log(`with CI=true no test may be skipped, but ${sums.skipped} were`)
const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : ''
console.log(`${sums.passed} passed, ${sums.failed} failed${skipped}`)
process.exitCode = sums.failed > 0 || sums.passed === 0 || skippedInCi ? 1 : 0

/** The report ends when the process would, so that what a test left open would keep both; then what failed is said here. */
function watchForWhatIsOpen() {
  let running = 0
  let timer
  const failures = []
  stream.on('test:fail', ({ name, details: { error } }) => {
    if (error.failureType !== 'subtestsFailed') failures.push(`${name}: ${inspect(error.cause ?? error)}`)
  })
  stream.on('test:enqueue', ({ nesting }) => {
    if (nesting > 0) return
    running++
    clearTimeout(timer)
  })
  stream.on('test:complete', ({ nesting }) => {
    if (nesting > 0 || --running > 0) return
    timer = setTimeout(() => {
      const open = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap')
      for (const failure of failures) console.log(failure)
      console.log(`open ${OPEN_AFTER_THE_LAST / 1000} s after the last test: ${open.join(', ')}`)
      process.exit(1)
    }, OPEN_AFTER_THE_LAST).unref()
  })
}

/** The report's own sums are eight lines a process; ours is one. */
async function* withoutSums(events) {
  for await (const event of events) if (event.type !== 'test:diagnostic' || event.data.nesting > 0) yield event
}
