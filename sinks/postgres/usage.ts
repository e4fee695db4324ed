/** What each project sends, by hour. */
import { hourOf } from './hour.ts'
import { defineProjection } from './projection.ts'

export const usage = defineProjection({
  name: 'usage',
  columns: {
    project_id: 'text',
    signal: 'text',
    /** In which it was received. */
    hour: 'timestamptz',
    /** Stored. */
    events: 'bigint',
    /** Received, uncompressed. */
    bytes: 'bigint',
  },
  key: ['project_id', 'signal', 'hour'],
  merge: { events: 'sum', bytes: 'sum' },
  *rows({ projectId, signal, receivedAt, eventCount, receivedBytes }) {
    if (eventCount === 0 && receivedBytes === 0) return
    yield { project_id: projectId, signal, hour: hourOf(receivedAt), events: eventCount, bytes: receivedBytes }
  },
})
