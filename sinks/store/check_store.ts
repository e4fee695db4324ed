/** Whether a store can be used, asked once at the start: what is wrong then is a setting, and a person is there to hear it. */
import { randomUUID } from 'node:crypto'
import { access, constants, mkdir } from 'node:fs/promises'
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from './object_store.ts'
import { openStore, placeOf, type StoreSettings } from './open_store.ts'

/** Codes of S3 for who asks, not for what is asked: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const NOT_ACCEPTED = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
])
const OTHER_REGION = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
])
/** A full disk or too many open files may pass; these do not. */
const NOT_OURS = new Set(['EACCES', 'EEXIST', 'ENOTDIR', 'EPERM', 'EROFS'])

/**
 * Writes, reads, lists and deletes an object of its own where the store is a bucket; makes the folder where it is one.
 * @param warn told where the store does not answer: it may yet, and who writes to it tries again
 * @throws OperatorError with what to set: another bucket, region or key, or a server that keeps S3's promises
 */
export async function checkStore(settings: StoreSettings, warn: (message: string) => void): Promise<void> {
  const place = placeOf(settings.url)
  if (place.kind === 'folder') return await checkFolder(place.directory)
  try {
    await checkBucket(await openStore(settings), settings)
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
    const { name, message } = (error.cause ?? error) as Error
    const fault = faultOf(name, message, place.bucket, settings, error.cause)
    if (fault !== null) throw new OperatorError(`${settings.url}: ${fault}`, { cause: error })
    warn(`${error.message}; it is tried again`)
  }
}

async function checkFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK)
  } catch (cause) {
    if (!NOT_OURS.has((cause as NodeJS.ErrnoException).code ?? '')) return
    throw new OperatorError(`${directory} is no folder that can be written to: ${(cause as Error).message}`, { cause })
  }
}

async function checkBucket(store: ObjectStore, { url, s3Endpoint }: StoreSettings): Promise<void> {
  const folder = '_millrace/'
  const key = `${folder}check-${randomUUID()}`
  const bytes = new TextEncoder().encode('written and deleted at a start')
  await store.putIfAbsent(key, bytes)
  try {
    if (await store.putIfAbsent(key, bytes)) {
      throw new OperatorError(
        `${url}: ${s3Endpoint ?? 'the server'} ignores "If-None-Match: *", so two writers would overwrite each other's commits. ` +
          'Use Amazon S3 or a server that honours it, as MinIO and Ceph do',
      )
    }
    await store.get(key)
    await store.list(folder)
  } finally {
    await store.delete([key])
  }
}

/** @returns what to do, `null` where it may pass by itself */
function faultOf(
  name: string,
  message: string,
  bucket: string,
  { s3Endpoint }: StoreSettings,
  cause: unknown,
): string | null {
  const where = s3Endpoint === undefined ? '' : ` at ${s3Endpoint}`
  if (name === 'NoSuchBucket') return `there is no bucket ${bucket}${where}: make it, or name one that exists`
  if (OTHER_REGION.has(name)) {
    const region = regionIn(cause)
    return `the bucket is in another region than ${process.env.AWS_REGION ?? 'the one set'}: set AWS_REGION${region === null ? '' : ` to ${region}`}`
  }
  if (NOT_ACCEPTED.has(name)) {
    return (
      `S3${where} refuses the credentials (${name}: ${message}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of ` +
      'one who may list, read, write and delete objects there'
    )
  }
  if (name === 'CredentialsProviderError') {
    return 'there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role'
  }
  if (/region is missing/i.test(message)) return 'set AWS_REGION to the region of the bucket'
  if (name === 'TypeError' && /invalid url/i.test(message)) return `MILLRACE_S3_ENDPOINT is no URL: ${s3Endpoint}`
  return null
}

/** S3 says which region it is in a header, or in the body. */
function regionIn(cause: unknown): string | null {
  const { $response, Region } = cause as {
    readonly $response?: { readonly headers: Readonly<Record<string, string>> }
    readonly Region?: string
  }
  return $response?.headers['x-amz-bucket-region'] ?? Region ?? null
}
