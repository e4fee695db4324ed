/**
 * Groups of the embedded log: the newest member has all partitions; when it leaves, the one before gets them back.
 * Who may commit is decided where positions are stored, by the generation, so a late commit can never slip in.
 */
import type { Assignment, GroupListener, Membership, Position, TopicSpec } from '../log.ts'
import type { MetadataClient } from './metadata_client.ts'

interface Member {
  readonly topics: readonly TopicSpec[]
  readonly listener: GroupListener
}

interface Group {
  /** Oldest first; the last one has the partitions. */
  readonly members: Member[]
  /** Joins and leaves, one after the other. */
  turn: Promise<unknown>
}

export class Groups {
  readonly #metadata: MetadataClient
  readonly #endOf: (topic: string, partition: number) => number
  readonly #groups = new Map<string, Group>()

  /** @param endOf the offset behind the last record. @throws RangeError where there is no such partition */
  constructor(metadata: MetadataClient, endOf: (topic: string, partition: number) => number) {
    this.#metadata = metadata
    this.#endOf = endOf
  }

  join(name: string, topics: readonly TopicSpec[], listener: GroupListener): Promise<Membership> {
    return this.#inTurn(name, async ({ members }) => {
      const member: Member = { topics, listener }
      const generation = await this.#metadata.call('nextGeneration', name)
      const before = members.at(-1)
      if (before !== undefined) before.listener.revoked(partitionsOf(before.topics))
      members.push(member)
      return this.#assign(name, member, generation)
    })
  }

  async #assign(name: string, member: Member, generation: number): Promise<Membership> {
    const membership: Membership = {
      generation,
      commit: async (positions) => {
        for (const position of positions) this.#check(position, member.topics)
        await this.#metadata.commit({ group: name, generation, positions })
      },
      leave: () => this.#leave(name, member),
    }
    member.listener.assigned(assignments(member.topics, await this.#metadata.call('positions', name)), membership)
    return membership
  }

  #check({ topic, partition, offset, reached }: Position, topics: readonly TopicSpec[]): void {
    if (!topics.some(({ name }) => name === topic)) throw new RangeError(`${topic} is not among this member's topics`)
    const end = this.#endOf(topic, partition)
    const sound = [offset, ...Object.values(reached)].every((value) => Number.isSafeInteger(value) && value >= 0)
    if (!sound || offset > end) {
      throw new RangeError(
        `${topic}/${partition}: offset ${offset}, reached ${JSON.stringify(reached)} is no position, the end is ${end}`,
      )
    }
  }

  #leave(name: string, member: Member): Promise<void> {
    return this.#inTurn(name, async ({ members }) => {
      const at = members.indexOf(member)
      if (at < 0) return
      const wasNewest = at === members.length - 1
      members.splice(at, 1)
      if (!wasNewest) return
      const generation = await this.#metadata.call('nextGeneration', name)
      const next = members.at(-1)
      if (next === undefined) this.#groups.delete(name)
      else await this.#assign(name, next, generation)
    })
  }

  #inTurn<T>(name: string, work: (group: Group) => Promise<T>): Promise<T> {
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = { members: [], turn: Promise.resolve() }
      this.#groups.set(name, group)
    }
    const { turn } = group
    const done = turn.then(() => work(group))
    group.turn = done.catch(() => {})
    return done
  }
}

function partitionsOf(topics: readonly TopicSpec[]): { topic: string; partition: number }[] {
  return topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  )
}

function assignments(topics: readonly TopicSpec[], positions: readonly Position[]): Assignment[] {
  return partitionsOf(topics).map(({ topic, partition }) => ({
    topic,
    partition,
    position: positions.find((position) => position.topic === topic && position.partition === partition) ?? null,
  }))
}
