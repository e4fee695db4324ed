/**
 * A real S3 server for tests: moto, from PyPI, in an environment of its own under the temporary folder. It honours
 * `If-None-Match`. Without Python or PyPI there is none, except in CI.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client } from '../s3_store.ts'

const run = promisify(execFile)
const PACKAGES = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5']
const SCRIPT = fileURLToPath(new URL('./moto_server.py', import.meta.url))
const FOLDER = join(tmpdir(), 'millrace-moto-5.2.5')

/** Moto takes any; that a request has some is the SDK's wish. */
export const S3_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: 'millrace',
  AWS_SECRET_ACCESS_KEY: 'not a secret',
  AWS_REGION: 'us-east-1',
} as const

export interface S3Server {
  readonly endpoint: string
  /** Makes a bucket. @returns its name, another each time */
  bucket(): Promise<string>
  close(): Promise<void>
}

/**
 * Starts a server; the environment of this process has credentials for it from then on.
 * @param environment of the server's process
 * @returns `null` where none can be set up: skip the test
 */
export async function startS3(environment: Readonly<Record<string, string>> = {}): Promise<S3Server | null> {
  const python = await pythonWithMoto()
  if (python === null) return null
  Object.assign(process.env, S3_ENVIRONMENT)
  const server = spawn(python, [SCRIPT], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const port = await Promise.race([
    new Promise<string>((resolve) => createInterface(server.stdout).once('line', resolve)),
    ended.then(() => Promise.reject(new Error(`moto ended with ${server.exitCode}`))),
  ])
  const endpoint = `http://127.0.0.1:${port}`
  const client = createS3Client(endpoint, 3)
  let buckets = 0
  return {
    endpoint,
    async bucket() {
      const Bucket = `bucket-${++buckets}`
      await client.send(new CreateBucketCommand({ Bucket }))
      return Bucket
    },
    async close() {
      client.destroy()
      server.stdin.end()
      await ended
    },
  }
}

/** A Python that has moto; `null` where none can be made. */
async function pythonWithMoto(): Promise<string | null> {
  const python = join(FOLDER, 'bin', 'python')
  if (existsSync(python)) return python
  // Made aside and renamed, so that tests that run at the same time find a whole one or none.
  const making = `${FOLDER}.${process.pid}`
  try {
    await run('python3', ['-m', 'venv', making])
    await run(join(making, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...PACKAGES])
    await rename(making, FOLDER).catch((error) => {
      if (!existsSync(python)) throw error
    })
    return python
  } catch (error) {
    if (process.env.CI === 'true') throw error
    return null
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}
