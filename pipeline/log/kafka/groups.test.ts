import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster } from './cluster.ts'
import { Groups, groupsOfAll, partitionOfGroup } from './groups.ts'

test('a group is where Java puts it', () => {
  for (const [group, partition] of [
    ['hello', 22],
    ['millrace.normalize', 4],
    ['millrace.lake_g12', 37],
    ['millrace.asked-10', 25],
  ] as const) {
    assert.equal(partitionOfGroup(group, 50), partition)
  }
})

for (const partitions of [0, 1, 31, 50, 310]) {
  test(`there is a name in each of ${partitions} partitions`, () => {
    const names = groupsOfAll(partitions, 'millrace.asked-')
    const found = new Set(names.map((name) => partitionOfGroup(name, partitions)))
    assert.deepEqual([names.length, found.size], [partitions, partitions])
    assert.ok(names.every((name) => name.startsWith('millrace.asked-')))
  })
}

test('groups are listed once every partition of theirs is loaded: a broker that loads lists some, and says nothing', async () => {
  const loaded = new Set<number>()
  const broker = {
    offsetFetch: async ({ groupId }: { groupId: string }) => {
      loaded.add(partitionOfGroup(groupId, 50))
      return { responses: [{ topic: 't', partitions: [{ partition: 0, offset: '5', metadata: '' }] }] }
    },
    listGroups: async () => ({ groups: loaded.size < 50 ? [] : [{ groupId: 'ours.sink' }, { groupId: 'theirs' }] }),
  }
  type Send = (connection: { broker: typeof broker }) => unknown
  const cluster = {
    describe: async (topics: readonly string[]) => topics.map((name) => ({ name, partitions: Array(50) })),
    brokerIds: [1],
    atCoordinator: async (_group: string, _lane: string, send: Send) => send({ broker }),
    at: async (_id: number, _lane: string, send: Send) => send({ broker }),
  } as unknown as Cluster
  assert.deepEqual([...(await new Groups(cluster, 'ours.').all()).keys()], ['sink'])
})
