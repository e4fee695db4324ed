/** `millrace replay`: fill another generation of what is stored, compare it, flip to it or discard it. */
import { setTimeout as delay } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { callApi, type Target } from './api.ts'
import type { FindTarget } from './directory.ts'
import { FORMATS, type Format, render } from './render.ts'
import { comparisonText, type GenerationAnswer, listRows, type ReplayAnswer, statusLine } from './replay_text.ts'

type Begin =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly time: string }

interface Flags {
  readonly url?: string
}

const POLL_MS = 1_000

export function replayCommands(find: FindTarget): Command {
  const replay = new Command('replay').description('build what is stored anew, beside what is live')
  const withUrl = (command: Command) =>
    command.option('--url <url>', 'of another millrace than the one on the data folder (with MILLRACE_API_KEY)')
  const ofGeneration = (command: Command) =>
    withUrl(command.argument('[generation]', 'as replay list shows it; the one being filled without', generationNumber))

  withUrl(replay.command('start').description('fill another generation from the raw topic'))
    .addOption(
      new Option('--from <begin>', 'beginning, a raw offset, or a time received like 2026-11-01T00:00:00Z')
        .argParser(beginOf)
        .makeOptionMandatory(),
    )
    .option('--accept-missing', 'even though the raw topic does not hold everything any more', false)
    .option('--detach', 'do not show how it goes on', false)
    .action(async ({ url, from, acceptMissing, detach }: Flags & StartFlags) => {
      const target = find(url)
      const body = { begin: from, accept_missing: acceptMissing }
      const { generation } = await callApi<GenerationAnswer>(target, 'POST', '/v1/replays', { body })
      say(`generation ${generation} is being filled`)
      if (!detach) await watch(target, generation)
    })
  ofGeneration(replay.command('status').description('how far the replay is'))
    .option('-w, --watch', 'until it has caught up', false)
    .action(async (given: number | undefined, { url, watch: isWatched }: Flags & { watch: boolean }) => {
      const target = find(url)
      const found = await chosen(target, given)
      if (isWatched) await watch(target, found.generation)
      else say(statusLine(found))
    })
  withUrl(replay.command('list').description('generations, the newest first'))
    .addOption(new Option('-f, --format <format>', 'how rows are printed').choices(FORMATS).default('table'))
    .action(async ({ url, format }: Flags & { format: Format }) => {
      process.stdout.write(render(listRows(await list(find(url))), format))
    })
  ofGeneration(
    replay.command('compare').description('compare with the live generation: rows and a hash, by table and day'),
  ).action(async (given: number | undefined, { url }: Flags) => {
    const target = find(url)
    const { generation } = await chosen(target, given)
    const found = await callApi<GenerationAnswer>(target, 'POST', `/v1/replays/${generation}/compare`)
    say(comparisonText(found.comparison!))
  })
  ofGeneration(replay.command('flip').description('make it the live one; the one before is kept'))
    .option('--keep <count>', 'keep only so many that were live before', countOf)
    .action(async (given: number | undefined, { url, keep }: Flags & { keep?: number }) => {
      const target = find(url)
      const { generation } = await chosen(target, given)
      await callApi(target, 'POST', `/v1/replays/${generation}/flip`, { body: keep === undefined ? {} : { keep } })
      say(`generation ${generation} is live`)
    })
  ofGeneration(replay.command('discard').description('take the storage of one that is not live away')).action(
    async (given: number | undefined, { url }: Flags) => {
      const target = find(url)
      const { generation } = await chosen(target, given)
      await callApi(target, 'DELETE', `/v1/replays/${generation}`)
      say(`generation ${generation} is discarded`)
    },
  )
  return replay
}

interface StartFlags {
  readonly from: Begin
  readonly acceptMissing: boolean
  readonly detach: boolean
}

async function list(target: Target): Promise<readonly GenerationAnswer[]> {
  return (await callApi<ReplayAnswer>(target, 'GET', '/v1/replays')).items
}

/** @throws OperatorError where it is not there, or none is being filled */
async function chosen(target: Target, given: number | undefined): Promise<GenerationAnswer> {
  const all = await list(target)
  const found =
    given === undefined
      ? all.find(({ state }) => ['running', 'caught_up', 'flipping', 'failed'].includes(state))
      : all.find(({ generation }) => generation === given)
  if (found !== undefined) return found
  throw new OperatorError(
    given === undefined ? 'nothing is being replayed: name a generation' : `there is no generation ${given}`,
  )
}

/** Until it has caught up, has failed or is gone. A line that redraws itself; on paper, one that says something new. */
async function watch(target: Target, generation: number): Promise<void> {
  const isTerminal = process.stdout.isTTY
  let printed = ''
  for (;;) {
    const found = (await list(target)).find((each) => each.generation === generation)
    if (found === undefined) throw new OperatorError(`generation ${generation} is gone`)
    const line = statusLine(found, isTerminal ? (process.stdout.columns ?? 80) : null)
    if (isTerminal) process.stdout.write(`\r\x1b[K${line}`)
    else if (line !== printed) say(line)
    printed = line
    if (found.state !== 'running') {
      if (isTerminal) say('')
      if (found.state === 'failed') throw new OperatorError(found.reason ?? 'it has failed')
      return
    }
    await delay(POLL_MS)
  }
}

function beginOf(given: string): Begin {
  if (given === 'beginning') return { kind: 'beginning' }
  if (/^\d+$/.test(given)) return { kind: 'offset', offset: Number(given) }
  const timeMs = Date.parse(given)
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError('It is beginning, an offset, or a time.')
  return { kind: 'time', time: new Date(timeMs).toISOString() }
}

function generationNumber(given: string): number {
  if (!/^[1-9]\d*$/.test(given)) throw new InvalidArgumentError('It is a number, as replay list shows it.')
  return Number(given)
}

function countOf(given: string): number {
  if (!/^\d+$/.test(given)) throw new InvalidArgumentError('It is a number.')
  return Number(given)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
