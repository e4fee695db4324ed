/**
 * Runs tests and ends on `N passed, N failed`.
 * `node pipeline/testing/run.mjs fast` runs what is fast, `all` everything, each file in a process of its own;
 * `together` runs the files given after it in one. Further arguments are files.
 *
 * With `all`, two files run at a time, and some measure: a file that failed runs once more, alone. What then passes is
 * counted as passed and named, since a test that needs the machine to itself is worth mending.
 */
import { resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { testFiles } from './test_files.mjs'

// Every test file is a process: compiling what they share once takes a third off the whole.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url))

const [mode, ...files] = process.argv.slice(2)
const chosen = files.length > 0 ? files : testFiles(mode)

const sums = await runFiles(chosen, mode === 'together' ? { isolation: 'none' } : { concurrency: 2 })
if (mode === 'all' && sums.failedFiles.size > 0) {
  const again = [...sums.failedFiles]
  console.log(`\nonce more, alone: ${again.join(', ')}\n`)
  const alone = await runFiles(again, { concurrency: 1 })
  for (const file of again) {
    add(sums, countsOf(sums, file), -1)
    add(sums, countsOf(alone, file), 1)
  }
  const flaky = again.filter((file) => !alone.failedFiles.has(file))
  if (flaky.length > 0) console.log(`failed beside another and passed alone: ${flaky.join(', ')}`)
}
const skippedInCi = process.env.CI === 'true' && sums.skipped > 0
if (skippedInCi) console.log(`with CI=true no test may be skipped, but ${sums.skipped} were`)
const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : ''
console.log(`${sums.passed} passed, ${sums.failed} failed${skipped}`)
process.exit(sums.failed > 0 || sums.passed === 0 || skippedInCi ? 1 : 0)

/** Runs files, with their report on the way. @returns counts of tests in all and by file, and which files failed */
async function runFiles(paths, how) {
  const sums = { passed: 0, failed: 0, skipped: 0, byFile: new Map(), failedFiles: new Set() }
  const stream = run({ files: paths, timeout: 600_000, ...how })
  const known = new Set(paths.map((path) => resolve(path)))
  stream.on('test:fail', ({ name, nesting }) => {
    // A file that ended with a fault of its own is reported as a test of that name.
    if (nesting === 0 && known.has(resolve(name))) sums.failedFiles.add(resolve(name))
  })
  stream.on('test:summary', ({ file, counts }) => {
    const own = { passed: counts.passed, failed: counts.failed + counts.cancelled, skipped: counts.skipped }
    if (file === undefined) Object.assign(sums, own)
    else {
      sums.byFile.set(resolve(file), own)
      if (own.failed > 0) sums.failedFiles.add(resolve(file))
    }
  })
  const report = stream.compose(new spec())
  report.pipe(process.stdout, { end: false })
  await new Promise((ended) => report.once('end', ended))
  return sums
}

/** A file that ended before it could say anything is one test that failed. */
function countsOf({ byFile, failedFiles }, file) {
  return byFile.get(file) ?? { passed: 0, failed: failedFiles.has(file) ? 1 : 0, skipped: 0 }
}

function add(sums, counts, sign) {
  for (const name of ['passed', 'failed', 'skipped']) sums[name] += sign * counts[name]
}
