import { type Batch, selectEvents } from '#pipeline/batch/batch.ts'

/**
 * The events from a time on. What is left out need not be made: the packed attributes of an event cost more than all
 * its other columns.
 * @param micros since 1970
 */
export function eventsSince(batches: readonly Batch[], micros: number): readonly Batch[] {
  const since = BigInt(micros)
  return batches.flatMap((batch) => {
    const times = batch.columns.get('timestamp')
    if (times?.type !== 'long') return [batch]
    const rows: number[] = []
    for (let row = 0; row < batch.eventCount; row++) if (times.values[row] >= since) rows.push(row)
    if (rows.length === 0) return []
    return [rows.length === batch.eventCount ? batch : selectEvents(batch, rows)]
  })
}
