/** Reads objects from end to end, a part at a time, the next part on its way while this one is worked on. */
import type { ByteRange, ObjectStore, StoredObject } from '#sinks/store/object_store.ts'
import { type ArchivedRecord, DamagedError, decodeBlock, decodeHeader, type Header, nextBlock } from './container.ts'
import { damaged, type Summary, summaryIn } from './summary.ts'

/** An object that was listed is there no more. */
export class GoneError extends Error {
  override readonly name = 'GoneError'
  readonly key: string
  constructor(key: string) {
    super(`${key} is gone`)
    this.key = key
  }
}

const PART_BYTES = 2 * 2 ** 20

/** One block of an object, or (without records) its end. */
export interface Read {
  readonly object: StoredObject
  readonly summary: Summary
  readonly records: readonly ArchivedRecord[]
}

/**
 * The blocks of objects, one object after the other. In memory: two parts and a block.
 * @throws OperatorError naming the object, where one is damaged
 * @throws GoneError where one was deleted
 * @throws TransientError where the store failed
 */
export async function* blocksOf(store: ObjectStore, objects: readonly StoredObject[]): AsyncGenerator<Read> {
  const parts = partsOf(store, objects)
  try {
    for (const object of objects) {
      try {
        yield* blocksIn(object, parts)
      } catch (error) {
        throw error instanceof DamagedError ? damaged(object.key, error) : error
      }
    }
  } finally {
    await parts.return(null)
  }
}

async function* blocksIn(object: StoredObject, parts: AsyncGenerator<Buffer | null>): AsyncGenerator<Read> {
  let bytes: Buffer = Buffer.alloc(0)
  let at = 0
  let isWhole = false
  const more = async () => {
    const { value: part = null } = await parts.next()
    if (part === null) isWhole = true
    else bytes = Buffer.concat([bytes.subarray(at), part])
    at = 0
    return part !== null
  }
  let header: Header | null = null
  while (header === null) {
    if (!(await more())) throw new DamagedError('it ends within its header')
    header = decodeHeader(bytes)
  }
  const summary = summaryIn(header)
  at = header.sizeBytes
  let previous = summary.first - 1
  for (;;) {
    if (at === bytes.length && (isWhole || !(await more()))) break
    const block = nextBlock(bytes, at, header.sync)
    if (typeof block === 'number') {
      if (isWhole || !(await more())) throw new DamagedError('it ends within a block')
      continue
    }
    const records = await decodeBlock(block)
    for (const { offset } of records) {
      if (offset <= previous || offset > summary.last) {
        throw new DamagedError(
          `offset ${offset} follows ${previous}, in an object of ${summary.first} to ${summary.last}`,
        )
      }
      previous = offset
    }
    at = block.end
    yield { object, summary, records }
  }
  if (previous !== summary.last) throw new DamagedError(`it ends at offset ${previous}, not at ${summary.last}`)
  yield { object, summary, records: [] }
}

/** The bytes of objects, `null` behind each. */
async function* partsOf(store: ObjectStore, objects: readonly StoredObject[]): AsyncGenerator<Buffer | null> {
  const ranges: { readonly object: StoredObject; readonly range: ByteRange | null }[] = []
  for (const object of objects) {
    for (let start = 0; start < object.sizeBytes; start += PART_BYTES) {
      ranges.push({ object, range: { start, end: Math.min(start + PART_BYTES, object.sizeBytes) } })
    }
    ranges.push({ object, range: null })
  }
  const fetched = async (at: number): Promise<Buffer | null> => {
    const { object, range } = ranges[at]
    if (range === null) return null
    const bytes = await store.get(object.key, range)
    if (bytes === null) throw new GoneError(object.key)
    if (bytes.length !== range.end - range.start) throw new DamagedError(`it has less than ${object.sizeBytes} bytes`)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  let next: Promise<Buffer | null> | null = null
  for (let at = 0; at < ranges.length; at++) {
    const part: Promise<Buffer | null> = next ?? fetched(at)
    const bytes = await part
    // Behind an object comes the first part of the next one.
    next = at + 1 < ranges.length ? fetched(at + 1) : null
    // Told to whoever asks for it; nobody may.
    next?.catch(() => {})
    yield bytes
  }
}
