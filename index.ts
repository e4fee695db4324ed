/**
 * What a stage of one's own may import: `import { defineTransform, mapEvents } from 'millrace'`. Stable names; everything
 * behind them may change.
 */
export { addEvents, type Batch, isTick, type Signal, withColumns } from '#pipeline/batch/batch.ts'
export {
  type Column,
  type ColumnType,
  columnOf,
  type DictionaryColumn,
  isDictionary,
  mapEntries,
  type Value,
  valueAt,
} from '#pipeline/batch/column.ts'
export { deadLetter, drop, type EventView, keep, mapBatch, mapColumn, mapEvents } from '#pipeline/stage/operators.ts'
export { jsonState, stateful, type Timers, withTimers } from '#pipeline/stage/stateful.ts'
export { defineTransform, type Transform } from '#pipeline/stage/transform.ts'
export type { Topology } from '#pipeline/topology/topology.ts'
