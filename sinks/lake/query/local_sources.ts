/** The log, on this machine or on Kafka, and the lake, on this machine or in a bucket. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { createKafkaLog, type KafkaLogOptions } from '#pipeline/log/kafka/kafka.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import { createDeltaSource } from './delta_source.ts'
import { openLakeFiles } from './lake_files.ts'
import type { CreateQuerySources } from './sources.ts'

const folder = z.string().refine(isAbsolute, 'must be an absolute path')
const store = z.strictObject({ url: z.string(), s3Endpoint: z.string().optional() })
const logSchema = z.union([
  z.strictObject({ directory: folder }),
  z.strictObject({ kafka: z.custom<KafkaLogOptions>((value) => typeof value === 'object') }),
])
const cache = z.strictObject({ directory: folder, maxBytes: z.int().positive() })
const settingsSchema = z.strictObject({ log: logSchema, lake: store, cache, lakeGroup: z.string() })

/** Where the log is: plain data. */
export type LogPlace = z.input<typeof logSchema>

export type LocalSettings = z.input<typeof settingsSchema>
/** What to give the query process as `sources`. */
export const LOCAL_SOURCES = import.meta.url

export const createQuerySources: CreateQuerySources = async (settings) => {
  const { log: logPlace, lake: place, cache, lakeGroup } = settingsSchema.parse(settings)
  const { store, files } = await openLakeFiles(place, cache)
  const log = await openReadOnly(logPlace)
  const lake = createDeltaSource(store, files)
  const close = async () => {
    await lake.close()
    await log.close()
  }
  return { log, lake, lakeGroup, close }
}

/** The log, to read beside its owner. @throws as the log's own */
export function openReadOnly(place: LogPlace): Promise<EventLog> {
  return 'kafka' in place
    ? createKafkaLog(place.kafka)
    : createEmbeddedLog({ directory: place.directory, readOnly: true })
}
