/** The commands of `millrace`. */
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { ask } from './ask.ts'
import { directoryCommands } from './directory.ts'
import { dlqCommands } from './dlq.ts'
import { groupsCommands } from './groups.ts'
import { FORMATS, type Format, render } from './render.ts'
import { replayCommands } from './replay.ts'
import { findRunning } from './running.ts'
import type { Stores } from './stores.ts'
import { type TailFlags, tail } from './tail.ts'
import { topicsCommands } from './topics.ts'

export interface StartFlags {
  readonly roles?: string
  readonly stage?: readonly string[]
  readonly acceptGap?: readonly string[]
}

export interface CommandLineOptions {
  /** Runs the server until it is ended. */
  readonly serve: (flags: StartFlags) => Promise<void>
  /** What `--roles` may name, and what each does. */
  readonly roles: Readonly<Record<string, string>>
  /** @throws OperatorError where the environment has a bad setting */
  readonly settings: () => { readonly dataDir: string }
  /** @throws OperatorError where the environment has a bad setting */
  readonly stores: () => Stores
  /** From the embedded log to the one the settings name. */
  readonly moveLog: () => Promise<void>
}

/** @param argv as `process.argv` @throws OperatorError with a sentence for the person at the terminal */
export async function runCommandLine(argv: readonly string[], options: CommandLineOptions): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const program = new Command('millrace')
    .description('An observability pipeline you own: OpenTelemetry in, SQL out.')
    .version(version)
    .showHelpAfterError('(millrace --help says what there is)')
  program
    .command('start')
    .description('start everything in this process, or a part of it where several share a log')
    .option('--roles <names>', `a part, joined by commas: ${Object.keys(options.roles).join(', ')}`, 'all')
    .option('--stage <names...>', 'of the stages only these')
    .option('--accept-gap <names...>', 'stages or sinks that go on without the records trimmed before they read them')
    .addHelpText('after', rolesHelp(options.roles))
    .action((flags: StartFlags) => options.serve(flags))
  program
    .command('sql')
    .description('ask the running millrace in SQL')
    .argument('<statement>', 'one SELECT statement; - reads it from standard input')
    .argument('[parameters...]', 'values for $1, $2 …')
    .addOption(new Option('-f, --format <format>', 'how rows are printed').choices(FORMATS).default('table'))
    .option('--url <url>', 'ask another millrace than the one on the data folder (with MILLRACE_API_KEY)')
    .action((statement: string, parameters: string[], flags: { format: Format; url?: string }) =>
      sql(statement, parameters, flags, options),
    )
  program
    .command('tail')
    .description('follow events as they come')
    .argument('[filter]', `which, like "level = 'ERROR' and resource___service___name = 'cart'" or "timeout"`, '')
    .option('--from <time>', 'begin with what is stored from there on: -15m, -2h, or a time')
    .addOption(new Option('-f, --format <format>', 'how rows are printed').choices(['text', 'json']).default('text'))
    .option('--url <url>', 'follow another millrace than the one on the data folder (with MILLRACE_API_KEY)')
    .action((filter: string, flags: TailFlags & { url?: string }) => {
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      return tail(targetOf(flags.url, options), filter, flags, (text) => void process.stdout.write(text), stop.signal)
    })
  for (const command of directoryCommands((url) => targetOf(url, options))) program.addCommand(command)
  program.addCommand(dlqCommands((url) => targetOf(url, options)))
  program.addCommand(replayCommands((url) => targetOf(url, options)))
  program.addCommand(groupsCommands(options.stores))
  program
    .command('log')
    .description('the log as a whole')
    .command('move')
    .description("from the data folder's embedded log to Kafka, as MILLRACE_LOG names it; millrace must be stopped")
    .action(options.moveLog)
  program.addCommand(topicsCommands(options.stores))
  await program.parseAsync([...argv])
}

function rolesHelp(roles: Readonly<Record<string, string>>): string {
  return `\nRoles:\n${Object.entries(roles)
    .map(([name, does]) => `  ${name.padEnd(10)}${does}`)
    .join('\n')}`
}

async function sql(
  statement: string,
  parameters: readonly string[],
  { format, url }: { readonly format: Format; readonly url?: string },
  options: CommandLineOptions,
): Promise<void> {
  const text = statement === '-' ? readFileSync(0, 'utf8') : statement
  const answer = await ask(targetOf(url, options), text, parameters)
  process.stdout.write(render(answer, format))
  if (answer.truncated) process.stderr.write(`only the first ${answer.rows.length} rows: add a limit, or aggregate\n`)
}

function targetOf(url: string | undefined, { settings }: CommandLineOptions): { url: string; key: string } {
  return url === undefined ? findRunning(settings().dataDir) : { url, key: keyFromEnvironment() }
}

function keyFromEnvironment(): string {
  const key = process.env.MILLRACE_API_KEY
  if (key === undefined) throw new OperatorError('--url needs a key: set MILLRACE_API_KEY')
  return key
}
