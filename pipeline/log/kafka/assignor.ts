/** Who gets which partitions: evenly, and everybody keeps what it has as far as that goes. */

export interface MemberClaim {
  readonly memberId: string
  readonly topics: readonly string[]
  /** The generation it had `owned` in; of two who claim the same partition the later one had it. */
  readonly generation: number
  readonly owned: PartitionsByTopic
}

export type PartitionsByTopic = Readonly<Record<string, readonly number[]>>

/**
 * @param partitions how many each topic has
 * @returns by member; each partition exactly once where anybody joined for its topic
 */
export function assign(
  members: readonly MemberClaim[],
  partitions: ReadonlyMap<string, number>,
): ReadonlyMap<string, PartitionsByTopic> {
  const assigned = new Map(members.map(({ memberId }) => [memberId, {} as Record<string, number[]>]))
  const total = new Map(members.map(({ memberId }) => [memberId, 0]))
  for (const topic of [...partitions.keys()].sort()) {
    const readers = members.filter(({ topics }) => topics.includes(topic))
    if (readers.length === 0) continue
    for (const [memberId, numbers] of assignTopic(readers, topic, partitions.get(topic)!, total)) {
      assigned.get(memberId)![topic] = numbers
      total.set(memberId, total.get(memberId)! + numbers.length)
    }
  }
  return assigned
}

function assignTopic(
  readers: readonly MemberClaim[],
  topic: string,
  count: number,
  total: ReadonlyMap<string, number>,
): ReadonlyMap<string, number[]> {
  const owned = ownedBy(readers, topic, count)
  // The odd ones go to whoever has least of other topics, and then to whoever need not give one up.
  const order = [...readers].sort(
    (a, b) =>
      total.get(a.memberId)! - total.get(b.memberId)! ||
      owned.get(b.memberId)!.length - owned.get(a.memberId)!.length ||
      (a.memberId < b.memberId ? -1 : 1),
  )
  const share = Math.floor(count / order.length)
  const odd = count % order.length
  const quota = new Map(order.map(({ memberId }, i) => [memberId, share + (i < odd ? 1 : 0)]))
  const kept = new Map(order.map(({ memberId }) => [memberId, owned.get(memberId)!.slice(0, quota.get(memberId)!)]))
  const taken = new Set([...kept.values()].flat())
  const free = Array.from({ length: count }, (_, number) => number).filter((number) => !taken.has(number))
  for (const [memberId, numbers] of kept) {
    numbers.push(...free.splice(0, quota.get(memberId)! - numbers.length))
    numbers.sort((a, b) => a - b)
  }
  return kept
}

function ownedBy(readers: readonly MemberClaim[], topic: string, count: number): ReadonlyMap<string, number[]> {
  const owner = new Map<number, MemberClaim>()
  for (const member of readers) {
    for (const number of member.owned[topic] ?? []) {
      const other = owner.get(number)
      if (number < count && (other === undefined || other.generation < member.generation)) owner.set(number, member)
    }
  }
  const owned = new Map<string, number[]>(readers.map(({ memberId }) => [memberId, []]))
  for (const [number, { memberId }] of [...owner].sort(([a], [b]) => a - b)) owned.get(memberId)!.push(number)
  return owned
}
