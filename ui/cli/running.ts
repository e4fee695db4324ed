/**
 * How the command line finds the millrace that runs on a data folder: `run.json` there, readable by its owner only,
 * says where it listens and holds a key made for this run.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { OperatorError } from '#pipeline/errors/errors.ts'

const schema = z.object({ pid: z.number().int(), url: z.string(), key: z.string() })
export type Running = z.output<typeof schema>

const fileIn = (dataDir: string): string => join(dataDir, 'run.json')

export function announceRunning(dataDir: string, running: Running): void {
  const file = fileIn(dataDir)
  // A file left by a run that was killed may have other permissions: the mode counts only where the file is new.
  rmSync(file, { force: true })
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 })
}

export function forgetRunning(dataDir: string): void {
  rmSync(fileIn(dataDir), { force: true })
}

/** @throws OperatorError where no millrace runs on the folder */
export function findRunning(dataDir: string): Running {
  let running: Running
  try {
    running = schema.parse(JSON.parse(readFileSync(fileIn(dataDir), 'utf8')))
    process.kill(running.pid, 0)
  } catch (cause) {
    throw new OperatorError(
      `no millrace runs on ${dataDir}: start it with npm start, or set MILLRACE_DATA_DIR to its folder`,
      { cause },
    )
  }
  return running
}
