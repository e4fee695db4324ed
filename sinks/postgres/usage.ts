/** What each project sends, by hour. */
import { defineProjection } from './projection.ts'

const HOUR_MICROS = 3_600_000_000

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
    const hour = receivedAt - (receivedAt % HOUR_MICROS)
    yield { project_id: projectId, signal, hour, events: eventCount, bytes: receivedBytes }
  },
})
