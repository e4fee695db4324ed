/** The log, on this machine or on Kafka, and a lake on this machine. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { createKafkaLog, type KafkaLogOptions } from '#pipeline/log/kafka/kafka.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { placeOf } from '#sinks/store/open_store.ts'
import { createDeltaSource } from './delta_source.ts'
import type { CreateQuerySources } from './sources.ts'

const folder = z.string().refine(isAbsolute, 'must be an absolute path')
const store = z.strictObject({ url: z.string(), s3Endpoint: z.string().optional() })
const logSchema = z.union([
  z.strictObject({ directory: folder }),
  z.strictObject({ kafka: z.custom<KafkaLogOptions>((value) => typeof value === 'object') }),
])
const settingsSchema = z.strictObject({ log: logSchema, lake: store, lakeGroup: z.string() })

/** Where the log is: plain data. */
export type LogPlace = z.input<typeof logSchema>

export type LocalSettings = z.input<typeof settingsSchema>
/** What to give the query process as `sources`. */
export const LOCAL_SOURCES = import.meta.url

export const createQuerySources: CreateQuerySources = async (settings) => {
  const { log: logPlace, lake: store, lakeGroup } = settingsSchema.parse(settings)
  const place = placeOf(store.url)
  if (place.kind !== 'folder') throw new OperatorError(`${store.url}: SQL reads a lake in a folder`)
  const log =
    'kafka' in logPlace
      ? await createKafkaLog(logPlace.kafka)
      : await createEmbeddedLog({ directory: logPlace.directory, readOnly: true })
  const lake = createDeltaSource(createFileStore(place.directory), place.directory)
  return { log, lake, lakeGroup, close: () => log.close() }
}
