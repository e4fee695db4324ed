import type { ReplayStates } from '#pipeline/replay/replay.ts'
import type { StateStore } from '#pipeline/state/state.ts'

/** States of a generation's stages, in the store that stages have theirs in: all of a partition's under one name. */
export function replayStates(store: StateStore, generation: number, log: string): ReplayStates {
  const name = `replay_g${generation}`
  return {
    async load(partition) {
      const found = await store.load(name, name, partition)
      if (found === null || found.position.log !== log) return null
      return { origin: found.position.offset, bytes: found.bytes }
    },
    async save(partition, origin, bytes) {
      const position = { topic: name, partition, offset: origin, reached: { [partition]: origin }, log }
      await store.save(name, { position, bytes, produces: name }, generation)
    },
  }
}
