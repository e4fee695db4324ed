/** Groups from outside: what they have committed. Ours are known by the prefix of their names. */
import { OperatorError } from '../../errors/errors.ts'
import type { Cluster } from './cluster.ts'
import { asLogError } from './failures.ts'
import { protocolError } from './kafkajs.ts'
import { decodePosition, type StoredPosition } from './position.ts'

/** Where Kafka keeps groups, and what they have committed. */
const OFFSETS_TOPIC = '__consumer_offsets'
/** Of that topic, unless a cluster was set up otherwise. */
const DEFAULT_PARTITIONS = 50

export class Groups {
  readonly #cluster: Cluster
  readonly #prefix: string

  constructor(cluster: Cluster, prefix: string) {
    this.#cluster = cluster
    this.#prefix = prefix
  }

  /** A group's name in Kafka. */
  nameOf(group: string): string {
    return this.#prefix + group
  }

  /** By topic and partition. */
  async positions(group: string): Promise<readonly StoredPosition[]> {
    const groupId = this.nameOf(group)
    try {
      const { responses } = await this.#cluster.atCoordinator(groupId, 'command', ({ broker }) =>
        broker.offsetFetch({ groupId, topics: [] }),
      )
      const stored = responses.flatMap(({ topic, partitions }) =>
        partitions
          .filter(({ offset }) => Number(offset) >= 0)
          .map(({ partition, offset, metadata }) => decodePosition(topic, partition, Number(offset), metadata)),
      )
      return stored.sort(({ position: a }, { position: b }) =>
        a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
      )
    } catch (error) {
      throw asLogError(error, `asking for positions of group ${group}`)
    }
  }

  /** Those that have committed; a group without positions holds nothing back. */
  async all(): Promise<ReadonlyMap<string, readonly StoredPosition[]>> {
    const found = new Map<string, readonly StoredPosition[]>()
    for (const group of await this.#names()) {
      const positions = await this.positions(group)
      if (positions.length > 0) found.set(group, positions)
    }
    return found
  }

  /** @throws OperatorError where somebody is in it */
  async delete(group: string): Promise<void> {
    const groupId = this.nameOf(group)
    try {
      await this.#cluster.atCoordinator(groupId, 'command', async ({ broker }) => {
        const { results } = await broker.deleteGroups([groupId])
        if (results[0]?.error) throw results[0].error
      })
    } catch (error) {
      const type = protocolError(error)
      if (type === 'GROUP_ID_NOT_FOUND') return
      if (type === 'NON_EMPTY_GROUP') {
        throw new OperatorError(`group ${group} is in use: stop every millrace that works on this log first`)
      }
      throw asLogError(error, `deleting group ${group}`)
    }
  }

  /** Every broker knows those it coordinates. */
  async #names(): Promise<readonly string[]> {
    try {
      await this.#allLoaded(await this.#offsetsPartitions())
      const answers = await Promise.all(
        this.#cluster.brokerIds.map((id) => this.#cluster.at(id, 'command', ({ broker }) => broker.listGroups())),
      )
      const names = answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId))
      return names
        .filter((name) => name.startsWith(this.#prefix))
        .map((name) => name.slice(this.#prefix.length))
        .sort()
    } catch (error) {
      throw asLogError(error, 'asking for groups')
    }
  }

  /**
   * A broker that has just started, or has just become the coordinator of some, lists the groups it knows of so far and says
   * nothing of the others. Asked about a group of theirs it does: so it is asked about one of each partition.
   */
  async #allLoaded(partitions: number): Promise<void> {
    const asked = groupsOfAll(partitions, `${this.#prefix}asked-`)
    await Promise.all(
      asked.map((groupId) =>
        this.#cluster.atCoordinator(groupId, 'command', ({ broker }) => broker.offsetFetch({ groupId, topics: [] })),
      ),
    )
  }

  /** 0 where no group has ever been used. */
  async #offsetsPartitions(): Promise<number> {
    try {
      const [offsets] = await this.#cluster.describe([OFFSETS_TOPIC])
      return offsets?.partitions.length ?? 0
    } catch (error) {
      // Whoever may use groups need not be allowed to see where they are kept.
      if (protocolError(error) === 'TOPIC_AUTHORIZATION_FAILED') return DEFAULT_PARTITIONS
      throw error
    }
  }
}

/** Names that begin with `prefix`, one in each partition of the topic of groups. */
export function groupsOfAll(partitions: number, prefix: string): string[] {
  const names = new Map<number, string>()
  for (let round = 0; names.size < partitions; round++) {
    // Names that differ in their last character only have hashes in a row.
    for (let last = 33; last < 127 && names.size < partitions; last++) {
      const name = `${prefix}${round}${String.fromCharCode(last)}`
      const partition = partitionOfGroup(name, partitions)
      if (!names.has(partition)) names.set(partition, name)
    }
  }
  return [...names.values()]
}

/**
 * Where a group is kept: `Utils.abs(groupId.hashCode()) % partitions`, as in Kafka's GroupCoordinatorService.
 * @param group in ASCII
 */
export function partitionOfGroup(group: string, partitions: number): number {
  let hash = 0
  for (let at = 0; at < group.length; at++) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0
  return Math.abs(hash) % partitions
}
