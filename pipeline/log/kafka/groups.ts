/** Groups from outside: what they have committed. Ours are known by the prefix of their names. */
import { OperatorError } from '../../errors/errors.ts'
import type { Cluster } from './cluster.ts'
import { asLogError } from './failures.ts'
import { protocolError } from './kafkajs.ts'
import { decodePosition, type StoredPosition } from './position.ts'

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
      await this.#cluster.describe([])
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
}
