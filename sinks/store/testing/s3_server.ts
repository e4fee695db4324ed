/**
 * A real S3 server for tests: moto, from PyPI, which honours `If-None-Match`. Without Python or PyPI there is none, except
 * in CI.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { pythonWith } from '#pipeline/testing/python.ts'
import { createS3Client } from '../s3_store.ts'

const PACKAGES = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5']
const SCRIPT = fileURLToPath(new URL('./moto_server.py', import.meta.url))

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
  const python = await pythonWith(...PACKAGES)
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
