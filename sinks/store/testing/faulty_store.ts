/**
 * A store that fails as networks do, from a seed: a write may be refused, may happen with its answer lost, or may be
 * refused and happen later, after the writer has gone on.
 */
import { TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '../object_store.ts'

export interface FaultyStore extends ObjectStore {
  /** From now on nothing fails; what was to happen later happens. */
  heal(): Promise<void>
}

/**
 * @param random from 0 to 1
 * @param rate the share of writes that go wrong, and half that of reads
 */
export function createFaultyStore(store: ObjectStore, random: () => number, rate: number): FaultyStore {
  const late: (() => Promise<unknown>)[] = []
  let failing = rate
  const goesWrong = (share: number) => random() < failing * share
  /** Other writers get their turn at every call; late writes happen at any of them. */
  const turn = async () => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (late.length > 0 && random() < 0.3) await late.shift()!()
  }
  const write = async <T>(what: string, apply: () => Promise<T>): Promise<T> => {
    await turn()
    if (goesWrong(1)) {
      const kind = random()
      if (kind < 0.4) await apply()
      else if (kind < 0.7) late.push(apply)
      throw new TransientError(`${what}: no answer`)
    }
    return await apply()
  }
  const read = async <T>(what: string, apply: () => Promise<T>): Promise<T> => {
    await turn()
    if (goesWrong(0.5)) throw new TransientError(`${what}: no answer`)
    return await apply()
  }
  return {
    async heal() {
      failing = 0
      for (const apply of late.splice(0)) await apply()
    },
    put: (key, bytes) => write(`put ${key}`, () => store.put(key, bytes)),
    putIfAbsent: (key, bytes) => write(`put ${key}`, () => store.putIfAbsent(key, bytes)),
    get: (key, range) => read(`get ${key}`, () => store.get(key, range)),
    list: (prefix, options) => read(`list ${prefix}`, () => store.list(prefix, options)),
    delete: (keys) => store.delete(keys),
    localPath: (key) => store.localPath(key),
  }
}
