/** `millrace dlq`: what could not be treated, and what is to become of it. */
import { Command, Option } from 'commander'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { parseAgo } from '#schemas/filter/time.ts'
import { callApi, listAll, type Target } from './api.ts'
import { FORMATS, type Format, render } from './render.ts'

type FindTarget = (url: string | undefined) => Target

interface Flags {
  readonly url?: string
  readonly project?: string
  readonly topic?: string
  readonly code?: string
  readonly stage?: string
  readonly from?: string
  readonly to?: string
  readonly state?: string
}

interface Group {
  readonly cause: string
  readonly topic: string
  readonly code: string
  readonly stage: string
  readonly detail: string
  readonly events: number
  readonly first_seen: string
  readonly last_seen: string
  readonly services: readonly string[]
}

/** Rows asked for at once: each may come with an export of 64 KB. */
const PAGE = 25
const DEFAULT_ROWS = 20

/** @param find a millrace that runs */
export function dlqCommands(find: FindTarget): Command {
  const dlq = new Command('dlq').description('dead letters: events that could not be treated')
  withFilter(dlq.command('list').description('list them by cause, the last seen first'))
    .addOption(withState())
    .addOption(new Option('-f, --format <format>', 'how rows are printed').choices(FORMATS).default('table'))
    .action(async ({ url, format, ...flags }: Flags & { format: Format }) => {
      const groups = await listAll<Group>(find(url), '/v1/dead_letters', filterOf(flags))
      const rows = groups.map(({ cause, events, stage, code, topic, detail, services, ...seen }) => [
        ...[cause, events, stage, code, topic, detail],
        ...[seen.first_seen, seen.last_seen, services.join(' ')],
      ])
      process.stdout.write(render({ columns: COLUMNS, rows }, format))
    })
  withFilter(dlq.command('show').description('print them as JSON, one a line, with where they came from'))
    .argument('[cause]', 'as dlq list shows it; without it, all')
    .addOption(withState())
    .option('--raw', 'with the export each was received in')
    .option('--limit <rows>', 'how many at most', whole, DEFAULT_ROWS)
    .action(async (cause: string | undefined, { url, raw, limit, ...flags }: Flags & { raw?: true; limit: number }) => {
      let left = limit
      for await (const row of rowsOf(find(url), { ...filterOf(flags), cause, raw: raw && 'true' })) {
        if (left-- === 0) {
          process.stderr.write(`only the first ${limit}: --limit shows more\n`)
          return
        }
        process.stdout.write(`${JSON.stringify(row)}\n`)
      }
    })
  decision(dlq, find, 'requeue', 'have them treated again, from the stage on that could not', 'requeued')
  decision(dlq, find, 'discard', 'give them up: they count as dropped', 'discarded')
  dlq
    .command('accept')
    .description('let a stage or sink that stopped because it failed at nearly everything go on, putting that aside')
    .argument('<stage>', 'or sink')
    .option('--hours <hours>', 'for how long', whole, 24)
    .option('--url <url>', URL_OPTION)
    .action(async (stage: string, { url, hours }: { url?: string; hours: number }) => {
      const body = { stage, hours }
      const { until } = await callApi<{ until: string }>(find(url), 'POST', '/v1/dead_letters/accept', { body })
      process.stdout.write(`${stage} goes on, whatever it fails at, until ${until}\n`)
    })
  return dlq
}

const URL_OPTION = 'of another millrace than the one on the data folder (with MILLRACE_API_KEY)'

interface Decided {
  readonly events: number
  readonly refused: readonly { readonly reason: string; readonly events: number }[]
}

function decision(dlq: Command, find: FindTarget, name: string, description: string, done: string): void {
  withFilter(dlq.command(name).description(description))
    .argument('[cause]', 'as dlq list shows it')
    .option('--all', 'all there are')
    .action(async (cause: string | undefined, { url, project, all, ...flags }: Flags & { all?: true }) => {
      const { events, refused } = await callApi<Decided>(find(url), 'POST', `/v1/dead_letters/${name}`, {
        query: { project },
        body: { ...filterOf(flags), cause, all },
      })
      process.stdout.write(`${events} ${events === 1 ? 'event is' : 'events are'} ${done}\n`)
      for (const each of refused) process.stderr.write(`${each.events} left as they were: ${each.reason}\n`)
    })
}

const COLUMNS = [
  { name: 'cause', type: 'text' },
  { name: 'events', type: 'bigint' },
  ...['stage', 'code', 'topic', 'detail', 'first_seen', 'last_seen', 'services'].map((name) => ({
    name,
    type: 'text',
  })),
]

async function* rowsOf(target: Target, query: Readonly<Record<string, string | undefined>>): AsyncGenerator<unknown> {
  for (let cursor: string | undefined; ; ) {
    const page = await callApi<{ items: unknown[]; next: string | null }>(target, 'GET', '/v1/dead_letters/rows', {
      query: { ...query, cursor, limit: String(PAGE) },
    })
    yield* page.items
    if (page.next === null) return
    cursor = page.next
  }
}

function withFilter(command: Command): Command {
  return command
    .option('--topic <topic>', 'that were read from it, like telemetry.raw.v1')
    .option('--code <code>', 'of this code')
    .option('--stage <stage>', 'that this stage or sink could not treat')
    .option('--from <time>', 'received from then on: -15m, -2h, -1d, or a time')
    .option('--to <time>', 'received before then')
    .option('--project <project>', "name or id; without it the key's own: default")
    .option('--url <url>', URL_OPTION)
}

function withState(): Option {
  return new Option('--state <state>', 'what was decided').choices(['open', 'requeued', 'discarded']).default('open')
}

function filterOf({ from, to, ...rest }: Omit<Flags, 'url'>): Record<string, string | undefined> {
  return { ...rest, from: from && timeOf(from), to: to && timeOf(to) }
}

/** @throws OperatorError where the text is no time */
function timeOf(text: string): string {
  const ms = parseAgo(text, Date.now()) ?? Date.parse(text)
  if (Number.isNaN(ms)) throw new OperatorError(`${text} is no time: something like -15m or 2026-11-22T10:00:00Z`)
  return new Date(ms).toISOString()
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new OperatorError(`${text} is no number`)
  return Number(text)
}
