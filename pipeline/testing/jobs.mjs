/**
 * Runs commands of which most are tests, some at a time, and sums what they say: for `npm run check` and `npm test`.
 *
 * It ends whatever they do. A job has a limit, all of them together have one, and what a job leaves running is killed and
 * counts as a failure. Tests that failed run once more, alone: some measure, and others were at work beside them. What then
 * passes is counted as passed and named, since a test that needs the machine to itself is worth mending.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Of the checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url))
const runFiles = fileURLToPath(new URL('./run_files.mjs', import.meta.url))

/** Of a file. The longest took five minutes on a slow machine. */
const JOB_LIMIT_MS = 12 * 60_000
/** More that failed did not fail by chance. */
const ONCE_MORE = 10
/** For what a job started and told to end, and for the end of its output. */
const GRACE_MS = 5_000
const POLL_MS = 50

// Each job is a process or several: compiling what they share once takes a third off the whole.
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/node`

/** @returns a job that runs test files in one process */
export const testJob = (...files) => ({
  name: files.length > 1 ? `${files[0]} to ${files.at(-1)}` : files[0],
  command: process.execPath,
  args: [runFiles, ...files],
  tests: true,
})

/**
 * Prints each job's output when it has ended, whole, so that two at work do not mix their lines; what failed once more at the
 * end, where it is seen; and `N passed, N failed` as the last line. Sets the exit code of this process.
 * @param jobs `{ name, command, args, tests }`, run in this order
 * @param options `workers`: how many at a time; `limitMs`: for all of them, after which those at work are killed and no
 *   other is begun; `jobLimitMs`: for each
 */
export async function runJobs(jobs, { workers, limitMs, jobLimitMs = JOB_LIMIT_MS }) {
  const deadline = performance.now() + limitMs
  const runAll = (chosen, atATime) =>
    runBeside(chosen, atATime, () => Math.min(jobLimitMs, deadline - performance.now()))

  const first = await runAll(jobs, workers)
  const failed = first.filter(({ job, problem }) => problem !== undefined && job.tests).map(({ job }) => job)
  const again = failed.length > ONCE_MORE ? [] : failed
  if (again.length > 0) console.log(`\nonce more, alone: ${namesOf(again)}\n`)
  const second = await runAll(again, 1)

  const results = [...first.filter(({ job }) => !again.includes(job)), ...second]
  const bad = results.filter(({ problem }) => problem !== undefined)
  for (const { said } of bad) process.stdout.write(said)
  const chance = second.filter(({ problem }) => problem === undefined).map(({ job }) => job)
  if (chance.length > 0) console.log(`failed beside another and passed alone: ${namesOf(chance)}`)
  const sum = (what) => results.reduce((total, { counts }) => total + counts[what], 0)
  console.log(
    `${sum('passed')} passed, ${sum('failed')} failed${sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : ''}`,
  )
  process.exitCode = bad.length > 0 || sum('passed') === 0 ? 1 : 0
}

const namesOf = (jobs) => jobs.map(({ name }) => name).join(', ')

/** @returns of each job, as they ended, what it said, its counts, and what was wrong, `undefined` for nothing */
async function runBeside(jobs, workers, limitMs) {
  const left = [...jobs]
  const results = []
  const worker = async () => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) {
      const begun = performance.now()
      const { output, counts, problem } = await runJob(job, limitMs())
      const heading = `\n${job.name} (${((performance.now() - begun) / 1000).toFixed(1)} s)\n`
      const said = `${heading}${output}${problem === undefined ? '' : `${job.name} ${problem}\n`}`
      process.stdout.write(said)
      results.push({ job, said, counts, problem })
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  return results
}

let started = 0

/** @returns as `runBeside`; at least one failure where something was wrong */
async function runJob({ command, args }, limitMs) {
  if (limitMs <= 0)
    return {
      output: '',
      counts: { passed: 0, failed: 1, skipped: 0 },
      problem: 'was not run: the time for all was over',
    }
  // Inherited by what it starts, and by what that starts.
  const id = `${process.pid}.${started++}`
  const mark = `TEST_JOB=${id}`
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, TEST_JOB: id },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
  const closed = new Promise((resolve) => child.once('close', resolve))
  let problem
  const timer = setTimeout(() => {
    problem = `had not ended after ${Math.round(limitMs / 1000)} s and was killed`
    child.kill('SIGKILL')
    for (const { pid } of processesOf(mark)) kill(pid)
  }, limitMs)
  const end = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
  clearTimeout(timer)
  const left = await leftRunning(mark)
  for (const { pid } of left) kill(pid)
  // Whoever still holds the other end of its output is not waited for.
  await Promise.race([closed, delay(GRACE_MS, undefined, { ref: false })])
  for (const stream of [child.stdout, child.stderr]) stream.destroy()

  if (left.length > 0) problem ??= `left running: ${left.map(({ command }) => command).join('; ')}`
  if (end !== 0) problem ??= `ended with ${end}`
  const output = Buffer.concat(chunks).toString()
  return { output, problem, counts: countsOf(output, problem !== undefined) }
}

/** Of the last line of standard output that has them; a warning on standard error may come behind it. */
function countsOf(output, hasFailed) {
  const said = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1) ?? []
  const [passed, failed, skipped] = [1, 2, 3].map((group) => Number(said[group] ?? 0))
  return { passed, failed: Math.max(failed, hasFailed ? 1 : 0), skipped }
}

/** @returns processes of a job whose first has ended, where they did not end in time either */
async function leftRunning(mark) {
  const deadline = performance.now() + GRACE_MS
  for (;;) {
    const left = processesOf(mark)
    if (left.length === 0 || performance.now() > deadline) return left
    await delay(POLL_MS)
  }
}

/** By the environment they were started with, which Linux shows; elsewhere none. */
function processesOf(mark) {
  const found = []
  for (const pid of pids()) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)) continue
      found.push({
        pid,
        command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 200),
      })
    } catch {
      // It ended meanwhile, or is somebody else's.
    }
  }
  return found
}

function pids() {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended meanwhile.
  }
}
