import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reopened } from '../../testing/reopened.ts'
import { describeEventLog } from '../conformance.ts'
import { createEmbeddedLog } from './embedded.ts'

describeEventLog('the embedded log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-log-'))
  const open = () => createEmbeddedLog({ directory, segmentBytes: 500_000 })
  return reopened(open, () => rm(directory, { recursive: true }))
})
