/** Lists of the API, page after page. */
import { type Accessor, createEffect, createSignal, on, onCleanup } from 'solid-js'
import { isAbort } from './ask.ts'
import { read } from './call.ts'

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/** As many as anybody looks through here; the API has them all. */
const MAX_ITEMS = 1_000
const PAGE_ITEMS = 100

export interface Listed<Item> {
  /** `null` before the first page. The items stay while they are read again, and when that fails. */
  readonly items: Accessor<readonly Item[] | null>
  readonly problem: Accessor<string | null>
  readonly hasMore: Accessor<boolean>
  readonly more: () => Promise<void>
  /** Reads the list from its beginning. */
  readonly again: () => Promise<void>
}

/** @param path of the list, with its query string */
export function createListed<Item>(path: Accessor<string>): Listed<Item> {
  const [items, setItems] = createSignal<readonly Item[] | null>(null)
  const [problem, setProblem] = createSignal<string | null>(null)
  const [next, setNext] = createSignal<string | null>(null)
  let stop = new AbortController()

  async function load(cursor: string | null): Promise<void> {
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    try {
      const page = await read<Page<Item>>(pathOf(path(), cursor), signal)
      if (signal.aborted) return
      setItems((before) => [...(cursor === null ? [] : (before ?? [])), ...page.items])
      setNext(page.next)
      setProblem(null)
    } catch (error) {
      if (!isAbort(error)) setProblem((error as Error).message)
    }
  }
  createEffect(on(path, () => void load(null)))
  onCleanup(() => stop.abort())
  return {
    ...{ items, problem },
    hasMore: () => next() !== null && (items()?.length ?? 0) < MAX_ITEMS,
    more: () => load(next()),
    again: () => load(null),
  }
}

/** A whole list, in as many pages as it takes. @param enough whether those read so far will do */
export async function readAll<Item>(
  path: string,
  signal?: AbortSignal,
  enough: (items: readonly Item[]) => boolean = () => false,
): Promise<readonly Item[]> {
  const items: Item[] = []
  let next: string | null = null
  do {
    const page: Page<Item> = await read<Page<Item>>(pathOf(path, next), signal)
    items.push(...page.items)
    next = page.next
  } while (next !== null && items.length < MAX_ITEMS && !enough(items))
  return items
}

function pathOf(path: string, cursor: string | null): string {
  const url = new URL(path, location.origin)
  url.searchParams.set('limit', String(PAGE_ITEMS))
  if (cursor !== null) url.searchParams.set('cursor', cursor)
  return url.pathname + url.search
}
