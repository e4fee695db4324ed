/** What runs the tests ends, whatever they do, and says what was wrong. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'millrace-jobs-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs test files of these texts. @returns exit code and what was printed */
function runs(texts: readonly string[], options: object = {}): Promise<{ code: number; printed: string }> {
  const own = mkdtempSync(join(folder, 'run-'))
  const files = texts.map((text, index) => {
    const file = join(own, `${index}.test.mjs`)
    writeFileSync(
      file,
      `import { test } from 'node:test'\nimport { spawn } from 'node:child_process'\nimport { existsSync, writeFileSync } from 'node:fs'\n${text}`,
    )
    return file
  })
  const script = `import { runJobs, testJob } from ${JSON.stringify(join(import.meta.dirname, 'jobs.mjs'))}
    const files = ${JSON.stringify(files)}
    await runJobs(files.map((file) => testJob(file)), ${JSON.stringify({ workers: 2, limitMs: 60_000, ...options })})`
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { env }, (error, printed) =>
      resolve({ code: Number(error?.code ?? 0), printed }),
    )
  })
}

const lastLine = (printed: string) => printed.trim().split('\n').at(-1)
const GOOD = "test('good', () => {})"

describe('jobs', { concurrency: 2 }, () => {
  it('sum what test files say', async () => {
    const { code, printed } = await runs([GOOD, GOOD])
    assert.equal(lastLine(printed), '2 passed, 0 failed')
    assert.equal(code, 0)
  })

  it('run once more, alone, what failed beside others, and name it', async () => {
    const flag = join(folder, 'flag')
    const text = `test('flaky', () => { if (!existsSync('${flag}')) { writeFileSync('${flag}', ''); throw new Error('beside') } })`
    const { code, printed } = await runs([GOOD, text])
    assert.match(printed, /^failed beside another and passed alone: .*1\.test\.mjs$/m)
    assert.equal(lastLine(printed), '2 passed, 0 failed')
    assert.equal(code, 0)
  })

  it('say what fails twice at the end', async () => {
    const { code, printed } = await runs([GOOD, "test('bad', () => { throw new Error('always') })"])
    assert.match(printed, /1\.test\.mjs ended with 1\n1 passed, 1 failed\n$/)
    assert.equal(code, 1)
  })

  it('are not run once more where too many fail for chance', async () => {
    const { code, printed } = await runs(
      Array.from({ length: 11 }, () => "test('bad', () => { throw new Error('always') })"),
    )
    assert.doesNotMatch(printed, /once more/)
    assert.equal(lastLine(printed), '0 passed, 11 failed')
    assert.equal(code, 1)
  })

  it('fail where something is still open after the last test', async () => {
    const failing = "test('bad', () => { throw new Error('what was wrong') })"
    const { code, printed } = await runs([`${failing}\nsetInterval(() => {}, 1000)`])
    assert.match(printed, /^bad: Error: what was wrong/m)
    assert.match(printed, /open 5 s after the last test: .*Timeout/)
    assert.equal(code, 1)
  })

  it('fail where a process is left, even one that holds the output and heeds no signal, and kill it', async () => {
    const text = `test('leaves', () => { spawn('sh', ['-c', 'trap "" TERM; sleep 61.7'], { stdio: 'inherit', detached: true }).unref() })`
    const { code, printed } = await runs([text])
    assert.match(printed, /left running: .*sleep 61\.7/)
    assert.equal(code, 1)
    assert.doesNotMatch(await processes(), /sleep 61\.7/)
  })

  it('are killed at their limit, with what they started', async () => {
    const text = `test('hangs', async () => {
      process.on('SIGTERM', () => {})
      spawn('sleep', ['62.7'], { stdio: 'inherit', detached: true })
      await new Promise(() => {})
    })`
    const { code, printed } = await runs([text, GOOD], { jobLimitMs: 3_000 })
    assert.match(printed, /0\.test\.mjs had not ended after 3 s and was killed/)
    assert.equal(lastLine(printed), '1 passed, 1 failed')
    assert.equal(code, 1)
    assert.doesNotMatch(await processes(), /sleep 62\.7/)
  })

  it('are not begun when the time for all is over, and count as failed', async () => {
    const { code, printed } = await runs(
      ["test('hangs', () => new Promise(() => {}))\nsetInterval(() => {}, 1000)", GOOD],
      {
        workers: 1,
        limitMs: 2_000,
      },
    )
    assert.match(printed, /1\.test\.mjs was not run: the time for all was over/)
    assert.equal(lastLine(printed), '0 passed, 2 failed')
    assert.equal(code, 1)
  })
})

function processes(): Promise<string> {
  return new Promise((resolve) => execFile('ps', ['-eo', 'args'], (_, printed) => resolve(printed)))
}
