/**
 * A batch on its way to the writer's thread. A decoded batch's columns are views of buffers that other batches may
 * share (Node's pool, the handover between stages): transferring those would empty them for everybody else, cloning
 * them would copy what lies around them too. So the columns are copied once, end to end, into a buffer of their own.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import { type Column, isDictionary } from '#pipeline/batch/column.ts'

type Values = Uint8Array | Uint16Array | Uint32Array | BigInt64Array | Float64Array

/** Everything but the columns' bytes, which lie in `buffer` in the order of `columns`. */
export interface TransferredBatch {
  readonly batch: Omit<Batch, 'columns' | 'deadLetters'>
  readonly columns: readonly (readonly [name: string, column: TransferredColumn])[]
  readonly buffer: ArrayBuffer
}

/** Sizes of the parts of a column, in elements. */
interface TransferredColumn {
  readonly type: Column['type']
  readonly rows: number
  /** Bytes an index takes, of dictionary columns. */
  readonly indexBytes: number
  readonly entries: number
  readonly dataBytes: number
  readonly present: boolean
}

const ALIGNMENT = 8

export function toTransfer({ columns, deadLetters: _, ...batch }: Batch): TransferredBatch {
  let size = 0
  const each = [...columns].map(([name, column]) => {
    const parts = partsOf(column)
    for (const part of parts) size = aligned(size) + part.byteLength
    return { name, column, parts }
  })
  const buffer = new ArrayBuffer(aligned(size))
  const bytes = new Uint8Array(buffer)
  let at = 0
  for (const { parts } of each) {
    for (const part of parts) {
      at = aligned(at)
      bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at)
      at += part.byteLength
    }
  }
  return { batch, columns: each.map(({ name, column }) => [name, shapeOf(column)] as const), buffer }
}

export function fromTransfer({ batch, columns, buffer }: TransferredBatch): Batch {
  let at = 0
  /** The place of the next part, which takes `bytes`. */
  const next = (bytes: number): number => {
    const start = aligned(at)
    at = start + bytes
    return start
  }
  const column = (shape: TransferredColumn): Column => {
    const { type, rows, entries, dataBytes } = shape
    const present = () => (shape.present ? new Uint8Array(buffer, next(rows), rows) : null)
    switch (type) {
      case 'long':
        return { type, values: new BigInt64Array(buffer, next(rows * 8), rows), present: present() }
      case 'double':
        return { type, values: new Float64Array(buffer, next(rows * 8), rows), present: present() }
      case 'boolean':
        return { type, values: new Uint8Array(buffer, next(rows), rows) }
      default: {
        const offsets = new Uint32Array(buffer, next((entries + 1) * 4), entries + 1)
        const data = new Uint8Array(buffer, next(dataBytes), dataBytes)
        const start = next(rows * shape.indexBytes)
        const Indexes = shape.indexBytes === 1 ? Uint8Array : shape.indexBytes === 2 ? Uint16Array : Uint32Array
        return { type, offsets, data, indexes: new Indexes(buffer, start, rows) }
      }
    }
  }
  return { ...batch, columns: new Map(columns.map(([name, shape]) => [name, column(shape)])) }
}

function partsOf(column: Column): Values[] {
  if (isDictionary(column)) return [column.offsets, column.data, column.indexes]
  if (column.type === 'boolean' || column.present === null) return [column.values]
  return [column.values, column.present]
}

function shapeOf(column: Column): TransferredColumn {
  const dictionary = isDictionary(column)
  return {
    type: column.type,
    rows: dictionary ? column.indexes.length : column.values.length,
    indexBytes: dictionary ? column.indexes.BYTES_PER_ELEMENT : 0,
    entries: dictionary ? column.offsets.length - 1 : 0,
    dataBytes: dictionary ? column.data.length : 0,
    present: !dictionary && column.type !== 'boolean' && column.present !== null,
  }
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT
}
