/** `millrace groups`: where stages and sinks stand, and how one begins afresh. */
import { Command, Option } from 'commander'
import type { Reached } from '#pipeline/log/log.ts'
import { listGroups, resetGroup } from '#pipeline/runtime/groups.ts'
import { FORMATS, type Format, type Rows, render } from './render.ts'
import type { Stores } from './stores.ts'

/** @param stores of the data folder set; asked when a command runs, so that a bad setting is said then */
export function groupsCommands(stores: () => Stores): Command {
  const groups = new Command('groups').description('consumer groups: every stage and sink is one, by its name')
  groups
    .command('list')
    .description('where each group stands; beside a running millrace as well')
    .addOption(new Option('-f, --format <format>', 'how rows are printed').choices(FORMATS).default('table'))
    .action(async ({ format }: { format: Format }) => {
      process.stdout.write(render(await groupRows(stores()), format))
    })
  groups
    .command('reset')
    .description('forget where a group stands and, of a stage, its state; millrace must be stopped')
    .argument('<group>', 'as groups list shows it')
    .action(async (group: string) => {
      process.stdout.write(`${await reset(stores(), group)}\n`)
    })
  return groups
}

/** @throws OperatorError where there is no log */
function groupRows(stores: Stores): Promise<Rows> {
  return stores.reading(async (log) => {
    const columns = [
      ...['group', 'topic'].map((name) => ({ name, type: 'text' })),
      ...['partition', 'offset'].map((name) => ({ name, type: 'bigint' })),
      { name: 'reached', type: 'text' },
      { name: 'lag', type: 'bigint' },
    ]
    const rows = (await listGroups(log)).map(({ group, topic, partition, offset, reached, lag }) => {
      return [group, topic, partition, offset, reachedText(reached), lag]
    })
    return { columns, rows }
  })
}

/** `source partition:origin offset`, one for each. */
function reachedText(reached: Reached): string {
  return Object.entries(reached)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(' ')
}

/**
 * @returns what was done and what it means
 * @throws OperatorError where there is no log or no such group, or millrace runs on it
 */
function reset(stores: Stores, group: string): Promise<string> {
  return stores.alone(async (log, states) => {
    const { positions, states: stateCount } = await resetGroup(log, states, group)
    const topics = [...new Set(positions.map(({ topic }) => topic))].join(', ') || 'its topic'
    const state =
      stateCount === 0 ? '' : `, and its state (${stateCount} ${stateCount === 1 ? 'partition' : 'partitions'})`
    return (
      `${group} has forgotten where it stood${state}. At the next start it reads ${topics} again from the first ` +
      'record still kept; what is already stored or passed on is skipped by its origin, so nothing comes twice.'
    )
  })
}
