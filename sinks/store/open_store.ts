/** A store by its URL: what worker threads and other processes are told, to open it for themselves. */
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createFileStore } from './file_store.ts'
import type { ObjectStore } from './object_store.ts'

/** Plain data: it can be posted to a thread. Credentials are in the environment (`AWS_*`) or wherever the AWS SDK looks. */
export interface StoreSettings {
  /** `file:/absolute/folder` or `s3://bucket/prefix`, the prefix with or without a `/` at its end. */
  readonly url: string
  /** `http(s)://host:port` of an S3 server that is not Amazon's; buckets are in its path then. */
  readonly s3Endpoint?: string | undefined
}

export type StorePlace =
  | { readonly kind: 'folder'; readonly directory: string }
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string }

/** Names of buckets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/+(.*?)\/*)?$/
const PREFIX = /^([A-Za-z0-9_=.-]+(\/[A-Za-z0-9_=.-]+)*)?$/

/** @throws OperatorError where the URL is none of a store */
export function placeOf(url: string): StorePlace {
  if (url.startsWith('file:')) return { kind: 'folder', directory: url.slice('file:'.length) }
  const [, bucket, prefix = ''] = S3_URL.exec(url) ?? []
  if (bucket === undefined || !PREFIX.test(prefix) || /(^|\/)\.\.?(\/|$)/.test(prefix)) {
    throw new OperatorError(`${url} is no place for objects: it is file:/folder or s3://bucket/prefix`)
  }
  return { kind: 'bucket', bucket, prefix }
}

/** @throws OperatorError where the URL is none of a store */
export async function openStore({ url, s3Endpoint }: StoreSettings): Promise<ObjectStore> {
  const place = placeOf(url)
  if (place.kind === 'folder') return createFileStore(place.directory)
  // The AWS SDK takes 32 MB of a thread: only where there is a bucket.
  const { createS3Store } = await import('./s3_store.ts')
  return createS3Store({ bucket: place.bucket, prefix: place.prefix, endpoint: s3Endpoint })
}

/** The part of a store below a prefix, as a store of its own. @param path parts joined by `/` */
export function below(settings: StoreSettings, path: string): StoreSettings {
  return { ...settings, url: `${settings.url.replace(/\/+$/, '')}/${path}` }
}
