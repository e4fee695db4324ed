/**
 * One member of a consumer group, by Kafka's classic protocol. Our own because kafkajs tells nobody when partitions are taken
 * away, and what is in flight then should be committed rather than done again.
 *
 * join → sync → assigned → heartbeats → a rebalance: revoked, what is in flight is committed, join again.
 *
 * Kafka counts generations from 1 again once it has forgotten a group (nobody in it for a week, or reset). State of stages is kept
 * under the generation it was saved in and given up to higher ones only, so the leader gives out generations with the
 * partitions: the time in milliseconds, or one more than the highest that any member or position has.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { FencedError, OperatorError } from '../../errors/errors.ts'
import type { Assignment, GroupListener, Membership, Position } from '../log.ts'
import { assign, type MemberClaim, type PartitionsByTopic } from './assignor.ts'
import type { Cluster, Lane } from './cluster.ts'
import { asLogError } from './failures.ts'
import { type Broker, memberAssignment, memberMetadata, protocolError, requiredMemberId } from './kafkajs.ts'

const PROTOCOL = 'millrace-sticky'
const FENCED = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID'])
const RETRY_MS = 500
/** Heartbeats in a session's time: as often a member hears that the group rebalances. */
const BEATS = 6
/** Left of the rebalance's time for joining again. */
const JOIN_MS = 2_000
const LEAVE_MS = 2_000

export interface MemberOptions {
  readonly cluster: Cluster
  /** As Kafka knows it. */
  readonly group: string
  /** As we know it, for messages. */
  readonly name: string
  readonly topics: readonly string[]
  readonly listener: GroupListener
  /** Without a heartbeat for so long a member's partitions go to others. */
  readonly sessionTimeoutMs: number
  /** What is in flight is to be committed within this when partitions are taken away. */
  readonly rebalanceTimeoutMs: number
  readonly positionsOf: (partitions: PartitionsByTopic) => Promise<readonly Assignment[]>
  /** Checked and as `OffsetCommit` wants it. @throws RangeError */
  readonly prepare: (positions: readonly Position[], generation: number) => Promise<readonly CommitTopic[]>
  /** The highest generation the group has committed under. */
  readonly lastGeneration: () => Promise<number>
  readonly warn: (message: string) => void
  /** Called once it is no member any more. */
  readonly left: () => void
}

export interface CommitTopic {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata: string }[]
}

/** What a member has between two rebalances. */
interface Tenure {
  /** As the group's leader has given it out. */
  readonly generation: number
  /** As Kafka counts. */
  readonly kafkaGeneration: number
  readonly partitions: PartitionsByTopic
  ended: boolean
}

export class Member {
  readonly #options: MemberOptions
  readonly #lane: Lane
  readonly #leaving = new AbortController()
  readonly #first = Promise.withResolvers<Membership>()
  #memberId = ''
  #warned = ''
  #tenure: Tenure | null = null
  #running: Promise<void>

  /** @param id of this member within the process */
  constructor(id: string, options: MemberOptions) {
    this.#options = options
    this.#lane = `member ${id}`
    this.#running = this.#run()
  }

  /** The first membership. @throws OperatorError where Kafka refuses it */
  get joined(): Promise<Membership> {
    return this.#first.promise
  }

  async leave(): Promise<void> {
    if (this.#leaving.signal.aborted) return this.#running
    const { cluster, group, left } = this.#options
    this.#leaving.abort()
    if (this.#tenure !== null) this.#tenure.ended = true
    // A join under way may wait for others for long.
    cluster.drop(this.#lane)
    await this.#running
    const memberId = this.#memberId
    if (memberId !== '') {
      const leaving = cluster
        .atCoordinator(group, this.#lane, ({ broker }) => broker.leaveGroup({ groupId: group, memberId }))
        .catch(() => {})
      // If it fails or takes too long: without heartbeats the group does without us soon.
      await Promise.race([leaving, delay(LEAVE_MS, undefined, { ref: false })])
    }
    cluster.drop(this.#lane)
    left()
  }

  async #run(): Promise<void> {
    while (!this.#left) {
      try {
        const tenure = await this.#join()
        const assignments = await this.#options.positionsOf(tenure.partitions)
        if (this.#left) return
        const membership = this.#membership(tenure)
        this.#tenure = tenure
        this.#warned = ''
        this.#options.listener.assigned(assignments, membership)
        this.#first.resolve(membership)
        await this.#stay(tenure)
      } catch (error) {
        if (!this.#left) await this.#failed(error)
      }
    }
    this.#first.reject(new FencedError(`group ${this.#options.name} was left before it was joined`))
    // Nobody may be waiting for it any more.
    this.#first.promise.catch(() => {})
  }

  get #left(): boolean {
    return this.#leaving.signal.aborted
  }

  async #failed(cause: unknown): Promise<void> {
    const { name, warn, group, cluster } = this.#options
    if (protocolError(cause) === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
    const error = asLogError(cause, `joining group ${name}`)
    if (error instanceof OperatorError) this.#first.reject(error)
    const isFenced = FENCED.has(protocolError(cause) ?? '')
    // Said once, however often it is tried.
    if (!isFenced && error.message !== this.#warned) warn(`group ${name}: ${error.message}; trying again`)
    this.#warned = error.message
    cluster.forgetCoordinator(group)
    await this.#pause(isFenced ? 0 : RETRY_MS)
  }

  async #join(): Promise<Tenure> {
    const joined = await this.#joinGroup().catch((error) => {
      // Known before the join is made: whoever joins again after a lost answer is then the same member, not another.
      const id = requiredMemberId(error)
      if (id === null) throw error
      this.#memberId = id
      return this.#joinGroup()
    })
    this.#memberId = joined.memberId
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? await this.#assign(joined.members) : []
    const { generationId, memberId } = joined
    const { group } = this.#options
    const synced = await this.#atCoordinator((broker) =>
      broker.syncGroup({ groupId: group, generationId, memberId, groupAssignment }),
    )
    const { assignment: partitions, userData } = memberAssignment.decode(synced.memberAssignment)
    // The leader knows the members it was told of; one that it was not has no partitions.
    const { generation } = userData.length === 0 ? { generation: 0 } : JSON.parse(userData.toString())
    return { generation, kafkaGeneration: generationId, partitions, ended: false }
  }

  #joinGroup() {
    const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const { generation, partitions } = this.#tenure ?? { generation: 0, partitions: {} }
    const claim = Buffer.from(JSON.stringify({ generation, owned: partitions }))
    return this.#atCoordinator((broker) =>
      broker.joinGroup({
        groupId: group,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        memberId: this.#memberId,
        groupProtocols: [{ name: PROTOCOL, metadata: memberMetadata.encode(topics, claim) }],
      }),
    )
  }

  async #assign(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]) {
    const claims = members.map(asClaim)
    const topics = await this.#options.cluster.describe([...new Set(claims.flatMap((claim) => claim.topics))])
    const assigned = assign(claims, new Map(topics.map(({ name, partitions }) => [name, partitions.length])))
    const before = Math.max(await this.#options.lastGeneration(), ...claims.map(({ generation }) => generation))
    const userData = Buffer.from(JSON.stringify({ generation: Math.max(Date.now(), before + 1) }))
    return [...assigned].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: memberAssignment.encode(partitions, userData),
    }))
  }

  /** Until the next rebalance: what was in flight is committed then, or has had its time. */
  async #stay(tenure: Tenure): Promise<void> {
    const { listener, rebalanceTimeoutMs, cluster } = this.#options
    const beating = new AbortController()
    const signal = AbortSignal.any([beating.signal, this.#leaving.signal])
    const { lost, isOver } = this.#beat(tenure, signal)
    await isOver
    if (this.#left) return
    try {
      const places = Object.entries(tenure.partitions).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic, partition })),
      )
      const committed = Promise.resolve(listener.revoked(places)).catch(() => {})
      const limit = delay(Math.max(0, rebalanceTimeoutMs - JOIN_MS), undefined, { signal }).catch(() => {})
      await Promise.race([committed, limit, lost])
    } finally {
      tenure.ended = true
      beating.abort()
    }
    cluster.forgetCoordinator(this.#options.group)
  }

  /**
   * Heartbeats until `signal` aborts. `isOver` once the group rebalances or has done without us; `lost` in the latter case
   * only, since what is in flight cannot be committed then.
   */
  #beat(tenure: Tenure, signal: AbortSignal): { readonly isOver: Promise<void>; readonly lost: Promise<void> } {
    const { group, sessionTimeoutMs } = this.#options
    const over = Promise.withResolvers<void>()
    const lost = Promise.withResolvers<void>()
    const loop = async () => {
      while (!signal.aborted) {
        await delay(sessionTimeoutMs / BEATS, undefined, { signal }).catch(() => {})
        if (signal.aborted) break
        try {
          const { kafkaGeneration: groupGenerationId } = tenure
          const memberId = this.#memberId
          await this.#atCoordinator((broker) => broker.heartbeat({ groupId: group, groupGenerationId, memberId }))
        } catch (error) {
          const type = protocolError(error) ?? ''
          if (type === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
          if (type === 'REBALANCE_IN_PROGRESS') over.resolve()
          else if (FENCED.has(type)) {
            lost.resolve()
            break
          }
          // Else nobody answers: whether the group has gone on without us, it will say.
        }
      }
      over.resolve()
    }
    void loop()
    return { isOver: over.promise, lost: lost.promise }
  }

  #membership(tenure: Tenure): Membership {
    return {
      generation: tenure.generation,
      commit: (positions) => this.#commit(tenure, positions),
      leave: () => this.leave(),
    }
  }

  async #commit(tenure: Tenure, positions: readonly Position[]): Promise<void> {
    const { cluster, group, name, topics, prepare } = this.#options
    this.#checkTenure(tenure)
    for (const { topic, partition } of positions) {
      if (!topics.includes(topic)) throw new RangeError(`${topic} is not among the topics of this member of ${name}`)
      if (!tenure.partitions[topic]?.includes(partition)) {
        throw new FencedError(`${topic}/${partition} belongs to another member of group ${name}`)
      }
    }
    const prepared = await prepare(positions, tenure.generation)
    this.#checkTenure(tenure)
    if (positions.length === 0) return
    try {
      await cluster.atCoordinator(group, this.#lane, ({ broker }) =>
        broker.offsetCommit({
          groupId: group,
          groupGenerationId: tenure.kafkaGeneration,
          memberId: this.#memberId,
          topics: prepared,
        }),
      )
    } catch (error) {
      if (FENCED.has(protocolError(error) ?? '')) {
        throw new FencedError(`group ${name} has gone on without generation ${tenure.generation}`)
      }
      throw asLogError(error, `committing positions of ${name}`)
    }
  }

  #atCoordinator<T>(send: (broker: Broker) => Promise<T>): Promise<T> {
    const { cluster, group, name } = this.#options
    return cluster.atCoordinator(group, this.#lane, async ({ broker }) => {
      // A lost connection is tried again, but not the one that was dropped to leave.
      if (this.#left) throw new FencedError(`group ${name} was left`)
      return send(broker)
    })
  }

  #checkTenure(tenure: Tenure): void {
    const { name } = this.#options
    if (tenure.ended)
      throw new FencedError(`group ${name}: generation ${tenure.generation} has given its partitions back`)
  }

  async #pause(durationMs: number): Promise<void> {
    await delay(durationMs, undefined, { signal: this.#leaving.signal }).catch(() => {})
  }
}

function asClaim({ memberId, memberMetadata: bytes }: { memberId: string; memberMetadata: Buffer }): MemberClaim {
  const { topics, userData } = memberMetadata.decode(bytes)
  try {
    const { generation, owned } = JSON.parse(userData.toString())
    return { memberId, topics, generation, owned }
  } catch {
    return { memberId, topics, generation: 0, owned: {} }
  }
}
