/** A log whose callers try again, as they have to where the world fails: for tests in which it does, often. */
import { setTimeout as delay } from 'node:timers/promises'
import { TransientError } from '../errors/errors.ts'
import type { EventLog, GroupListener, Membership } from '../log/log.ts'

const LIMIT_MS = 60_000
const LONGEST_PAUSE_MS = 300

/** Every call that fails with a `TransientError` is made again for up to a minute, commits as well. Appends are then at least once. */
export function patient<T extends EventLog>(log: T): T {
  return new Proxy(log, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (name === 'join') {
        return (group: string, topics: readonly string[], listener: GroupListener) =>
          again(() => target.join(group, topics, patientListener(listener))).then(patientMembership)
      }
      return (...args: unknown[]) => again(() => member.apply(target, args))
    },
  })
}

function patientListener(listener: GroupListener): GroupListener {
  return {
    assigned: (assignments, membership) => listener.assigned(assignments, patientMembership(membership)),
    revoked: (partitions) => listener.revoked(partitions),
  }
}

function patientMembership(membership: Membership): Membership {
  return {
    generation: membership.generation,
    commit: (positions) => again(() => membership.commit(positions)),
    leave: () => again(() => membership.leave()),
  }
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  for (let pauseMs = 10; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof TransientError) || performance.now() - started > LIMIT_MS) throw error
      await delay(pauseMs)
    }
  }
}
