/** The demo as a person has it: at a terminal, and without one; whenever it ends, nothing of it is left. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'

const DEMO = join(import.meta.dirname, 'demo.ts')
const CTRL_C = '\x03'

/** util-linux's `script` gives a terminal to what it runs; macOS has another of that name. */
const hasScript = process.platform === 'linux' && existsSync('/usr/bin/script')
const skip = !hasScript && 'there is no util-linux `script`, which gives a program a terminal'

describe('the demo', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-demo-test-'))
    mkdirSync(join(folder, 'tmp'))
    mkdirSync(join(folder, 'bin'))
    // A browser that only notes what it was to open.
    writeFileSync(join(folder, 'bin/xdg-open'), `#!/bin/sh\nprintf %s "$1" > ${folder}/opened\n`, { mode: 0o755 })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function start(command: string, args: readonly string[], env: Record<string, string | undefined>) {
    const path = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`
    const own = { WAYLAND_DISPLAY: undefined, DISPLAY: undefined, TMPDIR: join(folder, 'tmp'), PATH: path }
    const child = spawn(command, args, { env: { ...process.env, ...own, ...env } })
    const output: string[] = []
    child.stdout.on('data', (chunk: Buffer) => void output.push(chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => void output.push(chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
    return { child, ended, output: () => output.join('') }
  }

  const atTerminal = (env: Record<string, string> = {}) =>
    start('/usr/bin/script', ['-qec', `'${process.execPath}' '${DEMO}'`, '/dev/null'], { DEMO_SECONDS: '2', ...env })

  /** Resolves when it has said so. */
  async function says({ child, output }: { child: ChildProcess; output: () => string }, what: RegExp) {
    for (const deadline = performance.now() + 60_000; !what.test(output()); ) {
      assert.ok(performance.now() < deadline && child.exitCode === null, `it does not say ${what}: ${output()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async function nothingIsLeft(output: string): Promise<void> {
    assert.deepEqual(readdirSync(join(folder, 'tmp')), [], 'no temporary folder')
    const processes = execFileSync('ps', ['-eo', 'args']).toString()
    assert.ok(!processes.includes(DEMO) && !processes.includes(join(folder, 'tmp')), 'no process')
    for (const [url] of output.matchAll(/http:\/\/127\.0\.0\.1:\d+/g)) await assert.rejects(fetch(url), url)
  }

  it('without a terminal answers its questions, and ends by itself', async () => {
    const demo = start(process.execPath, [DEMO], { DEMO_SECONDS: '2', DISPLAY: ':99' })
    assert.equal(await demo.ended, 0, demo.output())
    // Which of the ways to fail was met depends on how many orders two seconds hold.
    assert.match(demo.output(), /(GatewayTimeout|PaymentDeclined|SyntaxError|TypeError) {2}[\s\S]*npm start/)
    assert.ok(!existsSync(join(folder, 'opened')), 'and opens no browser')
    await nothingIsLeft(demo.output())
  })

  it('at a terminal opens the page signed in, and goes on until Ctrl-C', { skip }, async () => {
    const demo = atTerminal({ DISPLAY: ':99' })
    await says(demo, /opens in your browser[\s\S]*The shop stays open/)
    const url = new URL(readFileSync(join(folder, 'opened'), 'utf8'))
    const code = url.hash.slice('#code='.length)
    const exchange = () =>
      fetch(`${url.origin}/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      })
    assert.deepEqual([(await exchange()).status, (await exchange()).status], [200, 401], 'once')
    assert.ok(!demo.output().includes(code), 'the code is printed nowhere')
    demo.child.stdin.write(CTRL_C)
    await demo.ended
    assert.match(demo.output(), /nothing of it is left/)
    await nothingIsLeft(demo.output())
  })

  for (const [moment, what] of [
    ['while it starts', /^/],
    ['while the shop is open, without a display', /Watch it live[\s\S]*the shop is open/],
  ] as const) {
    it(`ends at a Ctrl-C ${moment}`, { skip }, async () => {
      const demo = atTerminal({ DEMO_SECONDS: '60' })
      await says(demo, what)
      if (moment === 'while it starts') await serverStarts()
      demo.child.stdin.write(CTRL_C)
      await demo.ended
      await nothingIsLeft(demo.output())
    })
  }

  /** The server has made its folder, and is not ready. */
  async function serverStarts(): Promise<void> {
    while (readdirSync(join(folder, 'tmp')).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
})
