/** What a person may see of consumer groups (stages and sinks), and do about them while nothing runs. */
import { OperatorError } from '../errors/errors.ts'
import type { EventLog, Position } from '../log/log.ts'
import type { StateStore } from '../state/state.ts'

export interface GroupPosition extends Position {
  readonly group: string
  /** Records of the partition the group has yet to read; `null` where its position is of another log or topic. */
  readonly lag: number | null
}

/** Where every group stands, by group, topic and partition. */
export async function listGroups(log: EventLog): Promise<readonly GroupPosition[]> {
  const topics = await log.topics()
  const found: GroupPosition[] = []
  for (const group of await log.groups()) {
    for (const position of await log.positions(group)) {
      const bounds = topics.find(({ name }) => name === position.topic)?.bounds[position.partition]
      const lag = bounds === undefined || position.log !== log.id ? null : bounds.end - position.offset
      found.push({ ...position, group, lag })
    }
  }
  return found
}

export interface Forgotten {
  readonly positions: readonly Position[]
  /** Partitions whose saved state went with them. */
  readonly states: number
}

/**
 * Forgets where a group stands and, of a stage, its saved state: it begins again at the first record its topic still
 * has. What it then gives again has the origins it had, by which readers skip what they have.
 * @throws OperatorError where there is no such group
 */
export async function resetGroup(log: EventLog, states: StateStore, group: string): Promise<Forgotten> {
  const positions = await log.positions(group)
  // Positions first: where this is cut short, state without position goes on from its own, as if nothing had happened.
  await log.deleteGroup(group)
  const forgotten = { positions, states: await states.forget(group) }
  if (forgotten.positions.length === 0 && forgotten.states === 0) {
    const known = await log.groups()
    throw new OperatorError(`there is no group ${group}${known.length === 0 ? '' : `: there are ${known.join(', ')}`}`)
  }
  return forgotten
}
