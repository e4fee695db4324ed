/**
 * Preloaded (`node --import`) into a millrace on Kafka: it ends itself with SIGKILL at the n-th time that it comes to a
 * numbered point between reading and committing. `DIE_AT=<point>*<n>`.
 */
import { KafkaLog } from '#pipeline/log/kafka/kafka_log.ts'
import type { GroupListener, Membership } from '#pipeline/log/log.ts'

/** In the order a batch meets them. */
export const POINTS = ['1 read', '2 append', '3 appended', '4 commit', '5 committed'] as const
export type Point = (typeof POINTS)[number]

if (process.env.DIE_AT !== undefined) {
  const [point, times] = process.env.DIE_AT.split('*')
  let left = Number(times)
  const at = (here: Point): void => {
    if (here === point && --left === 0) process.kill(process.pid, 'SIGKILL')
  }
  const { append, join, read } = KafkaLog.prototype

  KafkaLog.prototype.read = async function (...args) {
    const records = await read.apply(this, args)
    if (records.length > 0) at('1 read')
    return records
  }
  KafkaLog.prototype.append = async function (records) {
    at('2 append')
    const offsets = await append.call(this, records)
    at('3 appended')
    return offsets
  }
  const dying = (membership: Membership): Membership => ({
    generation: membership.generation,
    leave: () => membership.leave(),
    async commit(positions) {
      at('4 commit')
      await membership.commit(positions)
      at('5 committed')
    },
  })
  KafkaLog.prototype.join = async function (group, topics, listener) {
    const dyingListener: GroupListener = {
      assigned: (assignments, membership) => listener.assigned(assignments, dying(membership)),
      revoked: (partitions) => listener.revoked(partitions),
    }
    return dying(await join.call(this, group, topics, dyingListener))
  }
}
