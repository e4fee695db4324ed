/** What the command palette offers: every key that works here, and what pages add to them. */
import { createSignal, onCleanup } from 'solid-js'
import { allKeys } from './keyboard.ts'

export interface Command {
  readonly name: string
  /** `Go to`, `Column` … */
  readonly group: string
  /** The keys that do the same. */
  readonly keys?: string
  /** Returns false where it does not apply now. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands just do something
  run(): boolean | undefined | void
}

const MAX_SHOWN = 12

type Source = () => Promise<readonly Command[]>
const [sources, setSources] = createSignal<readonly Source[]>([])

/** Adds commands for as long as the calling component is there; they are asked for when the palette opens. */
export function useCommands(source: Source): void {
  setSources((before) => [...before, source])
  onCleanup(() => setSources((before) => before.filter((each) => each !== source)))
}

/** Commands of keys: where one goes first, then what one can do here, the page's before the shell's. */
export function keyCommands(): Command[] {
  const keys = allKeys().filter(({ hidden, does, keys }) => !hidden && does !== '' && keys !== 'Ctrl+k')
  const isPage = (keys: string) => /^g (?!d$)/.test(keys)
  const command = (group: string) => (key: (typeof keys)[number]) => ({
    name: key.does[0].toUpperCase() + key.does.slice(1),
    group,
    keys: key.keys,
    run: () => key.run(),
  })
  return [
    ...keys.filter((key) => isPage(key.keys)).map(command('Go to')),
    ...keys
      .filter((key) => !isPage(key.keys))
      .toReversed()
      .map(command('Here')),
  ]
}

/** What pages add; one that cannot be read adds nothing. */
export async function addedCommands(): Promise<Command[]> {
  const found = await Promise.all(sources().map((source) => source().catch((): Command[] => [])))
  return found.flat()
}

/** Those that have every word typed, names that begin with it first. */
export function commandsLike(typed: string, commands: readonly Command[]): Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const rank = ({ name }: Command) => (words.length > 0 && name.toLowerCase().startsWith(words[0]) ? 0 : 1)
  return commands
    .filter(({ name, group }) => words.every((word) => `${group} ${name}`.toLowerCase().includes(word)))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MAX_SHOWN)
}
