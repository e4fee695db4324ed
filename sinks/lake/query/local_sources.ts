/** Log and lake in folders of this machine: the default. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { createEmbeddedLog } from '#pipeline/log/embedded/embedded.ts'
import { createFileStore } from '#sinks/store/file_store.ts'
import { createDeltaSource } from './delta_source.ts'
import type { CreateQuerySources } from './sources.ts'

const folder = z.string().refine(isAbsolute, 'must be an absolute path')
const settingsSchema = z.strictObject({ logDirectory: folder, lakeDirectory: folder, lakeGroup: z.string() })

export type LocalSettings = z.input<typeof settingsSchema>
/** What to give the query process as `sources`. */
export const LOCAL_SOURCES = import.meta.url

export const createQuerySources: CreateQuerySources = async (settings) => {
  const { logDirectory, lakeDirectory, lakeGroup } = settingsSchema.parse(settings)
  const log = await createEmbeddedLog({ directory: logDirectory, readOnly: true })
  const lake = createDeltaSource(createFileStore(lakeDirectory), lakeDirectory)
  return { log, lake, lakeGroup, close: () => log.close() }
}
