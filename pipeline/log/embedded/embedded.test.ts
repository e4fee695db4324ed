import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeEventLog } from '../conformance.ts'
import { createEmbeddedLog } from './embedded.ts'

describeEventLog('the embedded log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-log-'))
  const open = () => createEmbeddedLog({ directory, segmentBytes: 500_000 })
  let log = await open()
  return {
    get log() {
      return log
    },
    async reopen() {
      await log.close()
      log = await open()
    },
    async close() {
      await log.close()
      await rm(directory, { recursive: true })
    },
  }
})
