/** Is this a batch at all? Asked of what stages that are not ours give. */
import type { Batch } from './batch.ts'
import { type Column, isDictionary, rowCount } from './column.ts'

/** @throws TypeError naming the column, where a batch does not keep its own promises */
export function checkBatch(batch: Batch): void {
  if (!Number.isSafeInteger(batch.eventCount) || batch.eventCount < 0) throw new TypeError(`${batch.eventCount} events`)
  if (!(batch.columns instanceof Map)) throw new TypeError('columns is not a Map')
  for (const [name, column] of batch.columns) {
    const wrong = faultOf(column, batch.eventCount)
    if (wrong !== null) throw new TypeError(`column ${name}: ${wrong}`)
  }
}

function faultOf(column: Column, events: number): string | null {
  const { type } = column
  if (!['text', 'json', 'bytes', 'long', 'double', 'boolean'].includes(type)) return `there is no type ${type}`
  const rows = isDictionary(column) ? column.indexes?.length : column.values?.length
  if (rows !== events) return `${rows} rows for ${events} events`
  if (isDictionary(column)) return dictionaryFault(column)
  const array = type === 'long' ? BigInt64Array : type === 'double' ? Float64Array : Uint8Array
  if (!(column.values instanceof array)) return `values of type ${type} are not a ${array.name}`
  if (column.type !== 'boolean' && column.present !== null && column.present?.length !== rowCount(column)) {
    return 'present has another length than values'
  }
  return null
}

function dictionaryFault(column: Extract<Column, { indexes: unknown }>): string | null {
  const { offsets, data, indexes } = column
  if (!(offsets instanceof Uint32Array && data instanceof Uint8Array && ArrayBuffer.isView(indexes))) {
    return 'a dictionary is offsets, data and indexes, as typed arrays'
  }
  for (let entry = 1; entry < offsets.length; entry++) if (offsets[entry] < offsets[entry - 1]) return 'offsets go back'
  if (offsets.length === 0 || offsets[offsets.length - 1] > data.length) return 'offsets go past the data'
  for (const index of indexes) if (index >= offsets.length) return `index ${index} of ${offsets.length - 1} entries`
  return null
}
