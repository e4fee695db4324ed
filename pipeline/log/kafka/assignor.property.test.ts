import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assign, type MemberClaim, type PartitionsByTopic } from './assignor.ts'

const TOPICS = ['a', 'b', 'c']

const member = fc.record({
  topics: fc.uniqueArray(fc.constantFrom(...TOPICS), { minLength: 1 }),
  generation: fc.integer({ min: -1, max: 5 }),
  owned: fc.dictionary(fc.constantFrom(...TOPICS), fc.uniqueArray(fc.nat(70))),
})
const members = fc
  .array(member, { minLength: 1, maxLength: 9 })
  .map((all): MemberClaim[] => all.map((each, i) => ({ ...each, memberId: `member-${i}` })))
const counts = fc
  .tuple(fc.nat(64), fc.nat(64), fc.nat(64))
  .map((numbers) => new Map(TOPICS.map((topic, i) => [topic, numbers[i]])))

test('every partition has exactly one owner, who joined for its topic; nobody has two more than another', () => {
  fc.assert(
    fc.property(members, counts, (all, partitions) => {
      const assigned = assign(all, partitions)
      for (const [topic, count] of partitions) {
        const readers = all.filter(({ topics }) => topics.includes(topic))
        const shares = readers.map(({ memberId }) => assigned.get(memberId)![topic])
        const given = [...assigned.values()].flatMap((own) => own[topic] ?? []).sort((a, b) => a - b)
        if (readers.length === 0) assert.deepEqual(given, [])
        else {
          assert.deepEqual(given, range(count))
          assert.deepEqual(
            shares.flat().sort((a, b) => a - b),
            range(count),
          )
          assert.ok(
            Math.max(...shares.map(({ length }) => length)) - Math.min(...shares.map(({ length }) => length)) <= 1,
          )
        }
      }
    }),
  )
})

test('who claims what does not depend on the order of members', () => {
  fc.assert(
    fc.property(members, counts, (all, partitions) => {
      // Of two claims of the same generation either may win, but they cannot both be true.
      const distinct = all.map((each, i) => ({ ...each, generation: i }))
      const sorted = (assigned: ReadonlyMap<string, PartitionsByTopic>) =>
        [...assigned].sort(([a], [b]) => (a < b ? -1 : 1))
      assert.deepEqual(sorted(assign(distinct, partitions)), sorted(assign([...distinct].reverse(), partitions)))
    }),
  )
})

test('joining again moves nothing', () => {
  fc.assert(
    fc.property(members, counts, (all, partitions) => {
      const before = assign(all, partitions)
      const again = all.map((each) => ({ ...each, generation: 6, owned: before.get(each.memberId)! }))
      assert.deepEqual(assign(again, partitions), before)
    }),
  )
})

test('a newcomer takes its share and no more moves; when one leaves, only what it had moves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(64), (count, partitions) => {
      const fresh = (i: number): MemberClaim => ({ memberId: `m${i}`, topics: ['a'], generation: -1, owned: {} })
      const all = range(count).map(fresh)
      const topics = new Map([['a', partitions]])
      const before = assign(all, topics)
      const stayed = all.map((each) => ({ ...each, generation: 1, owned: before.get(each.memberId)! }))
      const joined = assign([...stayed, fresh(count)], topics)
      const moved = stayed.flatMap(({ memberId, owned }) => owned.a.filter((p) => !joined.get(memberId)!.a.includes(p)))
      assert.deepEqual(
        moved.sort((a, b) => a - b),
        joined.get(`m${count}`)!.a,
      )
      if (count === 1) return
      const left = assign(stayed.slice(1), topics)
      for (const { memberId, owned } of stayed.slice(1)) {
        for (const partition of owned.a) assert.ok(left.get(memberId)!.a.includes(partition))
      }
    }),
  )
})

test('of two who claim a partition the one of the later generation keeps it', () => {
  const claims: MemberClaim[] = [
    { memberId: 'zombie', topics: ['a'], generation: 3, owned: { a: [0, 1] } },
    { memberId: 'alive', topics: ['a'], generation: 4, owned: { a: [1] } },
  ]
  assert.deepEqual(
    assign(claims, new Map([['a', 2]])),
    new Map([
      ['zombie', { a: [0] }],
      ['alive', { a: [1] }],
    ]),
  )
})

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
