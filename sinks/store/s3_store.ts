/**
 * Objects in a bucket of S3, or of a server that speaks it. `putIfAbsent` is a PUT with `If-None-Match: *`, which S3
 * answers with 412 where the key is taken and 409 where another such write is under way:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { TransientError } from '#pipeline/errors/errors.ts'
import { checkedKey, type ObjectStore, type StoredObject } from './object_store.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** Before every key, without `/` at its ends; may be empty. */
  readonly prefix: string
  /** Of a server that is not Amazon's. */
  readonly endpoint?: string | undefined
  /** Bound on one call, its repeats included. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000
const CONNECT_MS = 5_000
/** A connection on which nothing moves. */
const SILENCE_MS = 20_000
/** Tries of a call that may be repeated, on throttling and failures of network and server, with the SDK's back-off. */
const ATTEMPTS = 3
/** What one DeleteObjects may hold. */
const DELETE_KEYS = 1000

export function createS3Store({ bucket, prefix, endpoint, timeoutMs = TIMEOUT_MS }: S3StoreOptions): ObjectStore {
  const client = createS3Client(endpoint, ATTEMPTS)
  // Repeated by itself it would meet its own object and say that another writer had been faster.
  const once = createS3Client(endpoint, 1)
  const root = prefix === '' ? '' : `${prefix}/`
  const place = (key: string) => ({ Bucket: bucket, Key: root + checkedKey(key) })

  /** @throws TransientError where S3 gave no answer, or a refusal: what is not allowed or not there may come to be */
  const attempt = async <T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      return await work(timeout)
    } catch (cause) {
      if (cause instanceof RangeError) throw cause
      const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause)
      throw new TransientError(`s3://${bucket}/${prefix}: cannot ${what}: ${reason}`, { cause })
    }
  }

  return {
    put: (key, bytes) =>
      attempt(`write ${key}`, async (abortSignal) => {
        await client.send(new PutObjectCommand({ ...place(key), Body: bytes }), { abortSignal })
      }),

    putIfAbsent: (key, bytes) =>
      attempt(`write ${key}`, async (abortSignal) => {
        try {
          await once.send(new PutObjectCommand({ ...place(key), Body: bytes, IfNoneMatch: '*' }), { abortSignal })
          return true
        } catch (error) {
          if (statusOf(error) === 412) return false
          throw error
        }
      }),

    get: (key, range) =>
      attempt(`read ${key}`, async (abortSignal) => {
        if (range !== undefined && range.end <= range.start) return new Uint8Array()
        const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`
        try {
          const { Body } = await client.send(new GetObjectCommand({ ...place(key), Range }), { abortSignal })
          return await Body!.transformToByteArray()
        } catch (error) {
          const status = statusOf(error)
          if (status === 404 && isMissingKey(error)) return null
          if (status === 416) return new Uint8Array()
          throw error
        }
      }),

    list: (listed, { after } = {}) =>
      attempt(`list ${listed}`, async (abortSignal) => {
        const found: StoredObject[] = []
        const query = { Bucket: bucket, Prefix: root + checkedKey(listed), StartAfter: after && root + after }
        for (let token: string | undefined; ; ) {
          const page = await client.send(new ListObjectsV2Command({ ...query, ContinuationToken: token }), {
            abortSignal,
          })
          for (const { Key, Size, LastModified } of page.Contents ?? []) {
            found.push({ key: Key!.slice(root.length), sizeBytes: Size!, modifiedMs: LastModified!.getTime() })
          }
          token = page.NextContinuationToken
          if (token === undefined) return found
        }
      }),

    delete: (keys) =>
      attempt('delete', async (abortSignal) => {
        const objects = keys.map((key) => ({ Key: place(key).Key }))
        for (let from = 0; from < objects.length; from += DELETE_KEYS) {
          const Delete = { Objects: objects.slice(from, from + DELETE_KEYS), Quiet: true }
          const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }), {
            abortSignal,
          })
          if (Errors.length === 0) continue
          const [{ Key, Code, Message }] = Errors
          throw new Error(`${Errors.length} objects are still there, the first of them ${Key}: ${Code} ${Message}`)
        }
      }),

    localPath: () => null,
  }
}

/** A client with the credentials and the region of the AWS SDK's default chain: `AWS_*`, profile, role. */
export function createS3Client(endpoint: string | undefined, maxAttempts: number): S3Client {
  return new S3Client({
    maxAttempts,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
    // A server that is not Amazon's has no regions, but requests are signed for one.
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          forcePathStyle: true,
          region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
        }),
  })
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

/** A bucket that is gone is no answer about an object. */
function isMissingKey(error: unknown): boolean {
  return error instanceof S3ServiceException && error.name !== 'NoSuchBucket'
}

/** What S3, the network or the SDK said. */
export function reasonOf(error: unknown): string {
  const { name, message } = error as Error
  const { code } = error as NodeJS.ErrnoException
  const text = message === '' ? (code ?? 'no reason given') : message
  return error instanceof S3ServiceException ? `${name}: ${text}` : text
}
