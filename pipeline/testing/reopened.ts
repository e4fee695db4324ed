import type { EventLog, SchemaRegistry } from '../log/log.ts'

type Log = EventLog & SchemaRegistry

/**
 * A log that can be closed and opened again on what it stored, as a restart does.
 * @param release what is under it, when it is closed for good
 */
export async function reopened<T extends Log>(open: () => Promise<T>, release: () => Promise<void>) {
  let log = await open()
  return {
    /** The present log; another object after `reopen`. */
    get log() {
      return log
    },
    async reopen() {
      await log.close()
      log = await open()
    },
    async close() {
      await log.close()
      await release()
    },
  }
}
