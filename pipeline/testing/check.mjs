/**
 * `npm run check`: format and lint, types, and the fast tests, all at the same time; ends on `N passed, N failed`.
 *
 * `npm test` gives every test file a process of its own. Starting one costs more than most files' tests do, so here some
 * files share one, as many as are at work at a time as there are cores and one more: tests wait now and then.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { testFiles } from './test_files.mjs'

const FILES_OF_A_GROUP = 8
const root = fileURLToPath(new URL('../..', import.meta.url))
const run = fileURLToPath(new URL('./run.mjs', import.meta.url))

process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/node`

const tool = (name, ...args) => ({ name: [name, ...args].join(' '), command: `${root}node_modules/.bin/${name}`, args })
const types = (project, cache) =>
  tool('tsc', '-p', project, '--incremental', '--tsBuildInfoFile', `${root}node_modules/.cache/types/${cache}`)

const files = testFiles('fast')
const groups = Array.from({ length: Math.ceil(files.length / FILES_OF_A_GROUP) }, (_, group) => {
  const own = files.slice(group * FILES_OF_A_GROUP, (group + 1) * FILES_OF_A_GROUP)
  return { name: `${own[0]} to ${own.at(-1)}`, command: process.execPath, args: [run, 'together', ...own] }
})
// What takes longest first.
const jobs = [types('.', 'server'), types('ui/web', 'page'), tool('biome', 'ci', '.'), ...groups]

const counts = { passed: 0, failed: 0, skipped: 0 }
const failures = []

async function worker() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const { code, output } = await finished(job)
    // Whole, so that two at work do not mix their lines; what failed at the end, where it is seen.
    if (code === 0) process.stdout.write(output)
    else failures.push(`${output}${job.name} ended with ${code}\n`)
    // The last line of standard output; a warning on standard error may come behind it.
    const sums = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1)
    counts.passed += Number(sums?.[1] ?? 0)
    counts.failed += Number(sums?.[2] ?? 0)
    counts.skipped += Number(sums?.[3] ?? 0)
  }
}

function finished({ command, args }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
    child.on('error', (error) => resolve({ code: error.message, output: '' }))
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output: Buffer.concat(chunks).toString() }))
  })
}

await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker))
for (const failure of failures) process.stdout.write(failure)
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
console.log(`${counts.passed} passed, ${Math.max(counts.failed, failures.length)} failed${skipped}`)
process.exitCode = failures.length > 0 ? 1 : 0
