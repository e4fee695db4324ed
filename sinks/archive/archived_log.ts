/** A log and its archive as one source of raw records: what the log has no more comes from the archive. */
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { EventLog, LogRecord, ReadOptions } from '#pipeline/log/log.ts'
import type { ArchiveReader } from './archive_reader.ts'

/** What a reader of records needs of a log. */
export type RecordSource = Pick<EventLog, 'id' | 'bounds' | 'read' | 'offsetAt'>

/**
 * @throws as `EventLog` does; besides, OperatorError where an object of the archive is damaged, or records are in neither,
 *   and TransientError where the archive's store failed
 */
export function createArchivedLog(log: RecordSource, archive: ArchiveReader): RecordSource {
  const placeOf = (topic: string, partition: number) => ({ log: log.id, topic, partition })
  /** Where partitions of the log begin, at the least: it only grows, and to ask may be a way over the network. */
  const begins = new Map<string, number>()
  const beginOf = async (topic: string, partition: number): Promise<number> => {
    const { begin } = await log.bounds(topic, partition)
    begins.set(`${topic}/${partition}`, begin)
    return begin
  }

  /** @param begin of the log, which is after `offset` */
  const readArchived = async (
    topic: string,
    partition: number,
    offset: number,
    begin: number,
    options: ReadOptions,
  ): Promise<readonly LogRecord[]> => {
    const place = placeOf(topic, partition)
    const page = await archive.read(place, offset, options).catch((error): LogRecord[] => {
      if (error instanceof RangeError) return []
      throw error
    })
    if (page.length > 0) return page
    const archived = await archive.bounds(place)
    if (archived === null || offset < archived.begin) {
      throw new RangeError(
        `${topic}/${partition} begins at ${archived?.begin ?? begin}, with its archive, not at ${offset}`,
      )
    }
    throw new OperatorError(
      `records ${offset} to ${begin - 1} of ${topic}/${partition} are neither in the log nor in the archive: they were trimmed ` +
        `before they were archived. Begin at ${begin}`,
    )
  }

  return {
    id: log.id,

    async bounds(topic, partition) {
      const [held, archived] = await Promise.all([
        log.bounds(topic, partition),
        archive.bounds(placeOf(topic, partition)),
      ])
      return archived === null ? held : { ...held, begin: Math.min(held.begin, archived.begin) }
    },

    async read(topic, partition, offset, options) {
      const begin = begins.get(`${topic}/${partition}`) ?? (await beginOf(topic, partition))
      if (offset < begin) return await readArchived(topic, partition, offset, begin, options)
      try {
        return await log.read(topic, partition, offset, options)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        const now = await beginOf(topic, partition)
        if (now <= offset) throw error
        // Trimmed since we asked.
        return await readArchived(topic, partition, offset, now, options)
      }
    },

    async offsetAt(topic, partition, timestamp) {
      const archived = await archive.offsetAt(placeOf(topic, partition), timestamp)
      return archived ?? (await log.offsetAt(topic, partition, timestamp))
    },
  }
}
