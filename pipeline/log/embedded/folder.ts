/** The data folder: `metadata.sqlite`, `lock`, `owner.json` and `topics/<topic>/<partition>/`. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../../errors/errors.ts'
import type { TopicSpec } from '../log.ts'

/** Kafka's rule for names, which is also safe for a folder. */
const TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/
/** An event id has 12 bits for the partition. */
const MAX_PARTITIONS = 4096

export function metadataPath(directory: string): string {
  return join(directory, 'metadata.sqlite')
}

export function topicsDirectory(directory: string): string {
  return join(directory, 'topics')
}

export function partitionDirectory(directory: string, topic: string, partition: number): string {
  return join(topicsDirectory(directory), topic, String(partition))
}

/** @throws OperatorError where the folder cannot hold a log: it cannot be made, or holds something else */
export function prepareFolder(directory: string): void {
  const names = namesIn(directory, true)
  if (names.includes('metadata.sqlite')) return
  if (names.includes('topics')) {
    throw new OperatorError(
      `the data folder ${directory} has lost its metadata.sqlite: restore it, or choose another folder`,
    )
  }
  const foreign = names.find((name) => !['lock', 'lock-journal', 'owner.json'].includes(name))
  if (foreign !== undefined) {
    throw new OperatorError(`the folder ${directory} holds other files (${foreign}): choose an empty one`)
  }
}

/** @throws OperatorError where there is no log in the folder */
export function checkFolder(directory: string): void {
  if (namesIn(directory, false).includes('metadata.sqlite')) return
  throw new OperatorError(`there is no log in ${directory}: give the data folder of a running millrace`)
}

function namesIn(directory: string, make: boolean): string[] {
  try {
    if (make) mkdirSync(directory, { recursive: true })
    return readdirSync(directory)
  } catch (cause) {
    throw new OperatorError(`the data folder ${directory} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

/** @throws RangeError saying what is wrong with it */
export function checkTopic({ name, partitions, retentionMs, retentionBytes }: TopicSpec): void {
  if (!TOPIC_NAME.test(name)) {
    throw new RangeError(`topic ${JSON.stringify(name)}: a name is 1–249 letters, digits, dots, dashes and underscores`)
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new RangeError(`topic ${name}: ${partitions} partitions, where 1 to ${MAX_PARTITIONS} are possible`)
  }
  if (!Number.isSafeInteger(retentionMs) || retentionMs < 0)
    throw new RangeError(`topic ${name}: retentionMs ${retentionMs}`)
  if (retentionBytes !== null && (!Number.isSafeInteger(retentionBytes) || retentionBytes < 0)) {
    throw new RangeError(`topic ${name}: retentionBytes ${retentionBytes}`)
  }
}
