/** What every state store must do. A store's test file calls this with a way to open one. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { FencedError } from '../errors/errors.ts'
import type { StateStore, StoredState } from './state.ts'

/** The store opened on an empty place; `reopen` is another on the same. */
export interface OpenedStates {
  readonly states: StateStore
  reopen(): Promise<StateStore>
  close(): Promise<void>
}

function stateAt(partition: number, offset: number): StoredState {
  const position = { topic: 'in.v1', partition, offset, reached: { 0: offset - 1, 3: 9 }, log: 'a log' }
  return { position, bytes: Uint8Array.of(partition, offset), produces: 'test.out.v1' }
}

const plain = (state: StoredState | null) => state && { ...state, bytes: Uint8Array.from(state.bytes) }

export function describeStateStore(name: string, open: () => Promise<OpenedStates>): void {
  describe(name, () => {
    let opened: OpenedStates
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    it('gives back the last state of each partition, over a restart', async () => {
      for (const state of [stateAt(0, 1), stateAt(1, 5), stateAt(0, 2)]) await opened.states.save('count', state, 1)
      const again = await opened.reopen()
      assert.deepEqual(plain(await again.load('count', 'in.v1', 0)), stateAt(0, 2))
      assert.deepEqual(plain(await again.load('count', 'in.v1', 1)), stateAt(1, 5))
      assert.equal(await again.load('count', 'in.v1', 2), null)
      assert.equal(await again.load('other', 'in.v1', 0), null)
    })

    it('refuses an older generation, and keeps what the newer saved', async () => {
      const { states } = opened
      await states.save('count', stateAt(0, 3), 2)
      await assert.rejects(states.save('count', stateAt(0, 4), 1), FencedError)
      assert.deepEqual(plain(await states.load('count', 'in.v1', 0)), stateAt(0, 3))
    })

    it('forgets one stage, in all partitions', async () => {
      const { states } = opened
      for (const partition of [0, 1]) await states.save('count', stateAt(partition, 1), 1)
      await states.save('other', stateAt(0, 1), 1)
      assert.equal(await states.forget('count'), 2)
      assert.equal(await states.forget('count'), 0)
      assert.equal(await states.load('count', 'in.v1', 0), null)
      assert.deepEqual(plain(await states.load('other', 'in.v1', 0)), stateAt(0, 1))
    })
  })
}
