#!/usr/bin/env node
// Runs main.ts with the Node that the project depends on: a machine with an older one on its path works too.
import { spawn } from 'node:child_process'
import * as module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

// Syncs of several files run at a time; libuv's default is four.
process.env.UV_THREADPOOL_SIZE ??= '8'
// Compiling is half of a start: what was compiled is kept for the next one, where this folder can be written to.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url))

const WANTED_MAJOR = 24
const main = fileURLToPath(new URL('../main.ts', import.meta.url))

if (Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) {
  process.argv[1] = main
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import(main)
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  child.on('error', () => {
    console.error(
      `millrace needs Node ${WANTED_MAJOR} or newer; this is ${process.version}. Run npm ci in the project first.`,
    )
    process.exit(2)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]))
}
