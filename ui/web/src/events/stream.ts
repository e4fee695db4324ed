/** The events of the view: history as far as asked for, and live below it. Reactive around a {@link Feed}. */
import { batch, createSignal, onCleanup } from 'solid-js'
import { askRows, isAbort } from '../api/ask.ts'
import { bounds } from '../format/time.ts'
import { isUsual } from './columns.ts'
import { type ListedEvent, listedEvent, moreOf, readColumns } from './event.ts'
import { Feed, MAX_ROWS } from './feed.ts'
import { compileFilter, type FilterProblem } from './filter.ts'
import { historySql, PAGE_ROWS, type Selection } from './statements.ts'
import { openTail, type Tail } from './tail.ts'
import * as view from './view.ts'

/** Rows asked for at once when a column is added; the server gives no more. */
const FILL_ROWS = MAX_ROWS / 2

export function createStream() {
  const [feed, setFeed] = createSignal(new Feed(true))
  /** Counts up whenever the feed changed: what reads the feed reads this first. */
  const [version, setVersion] = createSignal(0)
  const [selection, setSelection] = createSignal<Selection | null>(null)
  const [filterProblem, setFilterProblem] = createSignal<FilterProblem | null>(null)
  const [problem, setProblem] = createSignal<string | null>(null)
  const [loading, setLoading] = createSignal(false)
  const [hasOlder, setHasOlder] = createSignal(false)
  const [nextTryAt, setNextTryAt] = createSignal<number | null>(null)

  /** Since when the tail is not connected, Unix milliseconds. */
  const [lostAt, setLostAt] = createSignal<number | null>(null)

  let current = new AbortController()
  let tail: Tail | undefined
  let arrived: ListedEvent[] = []
  /** Columns beyond the usual ones that the rows of the list have been read with. */
  let filled: ReadonlySet<string> = new Set()
  let frame = 0
  const changed = () => setVersion((before) => before + 1)

  /** Rows are placed once a frame, however often they come. */
  const place = () => {
    frame = 0
    feed().append(arrived)
    arrived = []
    changed()
  }
  const stop = () => {
    current.abort()
    tail?.close()
    cancelAnimationFrame(frame)
    frame = 0
    arrived = []
  }
  onCleanup(stop)

  /** Begins anew for what the URL says. Until the first rows are here the list before stays. */
  async function load(): Promise<void> {
    const live = view.isLive()
    const range = bounds(view.range(), view.until() ?? Date.now())
    const compiled = await compileFilter(view.wholeFilter())
    if ('problem' in compiled) return void setFilterProblem(compiled.problem)
    stop()
    current = new AbortController()
    filled = namesBeyondUsual()
    const chosen: Selection = { ...range, where: compiled.where }
    batch(() => {
      setFilterProblem(null)
      setSelection(chosen)
      setLoading(true)
      setNextTryAt(null)
    })
    if (live) listen(view.wholeFilter(), chosen)
    else await read(chosen, current.signal)
  }

  /** The first rows of a range: the list before gives way. */
  function begin(rows: readonly ListedEvent[], live: boolean): void {
    const next = new Feed(live)
    next.prepend(rows)
    if (live && rows.length > 0) next.mark({ mark: 'live', at: Date.now(), history: rows.length })
    batch(() => {
      setFeed(next)
      setProblem(null)
      setLoading(false)
      setHasOlder(rows.length >= PAGE_ROWS)
      changed()
    })
  }

  async function read(chosen: Selection, signal: AbortSignal): Promise<void> {
    try {
      begin((await readPage(chosen, undefined, signal)).reverse(), false)
    } catch (error) {
      if (isAbort(error)) return
      setProblem((error as Error).message)
      setLoading(false)
    }
  }

  function listen(filter: string, { from }: Selection): void {
    tail = openTail(
      { filter, from, columns: view.columns() },
      {
        history: (rows) => begin(rows, true),
        rows(rows) {
          arrived.push(...rows)
          frame ||= requestAnimationFrame(place)
        },
        skipped(count) {
          place()
          const at = feed().items.at(-1)?.at ?? Date.now()
          feed().mark({ mark: 'skipped', count, at, to: Date.now() })
          changed()
        },
        disconnected(at) {
          setNextTryAt(at)
          setLostAt((before) => (at === null ? null : (before ?? Date.now())))
        },
        refused(message) {
          setProblem(message)
          setLoading(false)
        },
      },
    )
  }

  /** @returns how many rows were put before the others */
  async function loadOlder(): Promise<number> {
    const chosen = selection()
    const oldest = feed().items.find((item): item is ListedEvent => 'id' in item)
    if (chosen === null || oldest === undefined || !hasOlder() || loading() || feed().isFull) return 0
    setLoading(true)
    const { signal } = current
    const into = feed()
    try {
      const rows = (await readPage(chosen, oldest, signal)).reverse()
      const added = into.prepend(rows)
      batch(() => {
        setHasOlder(rows.length === PAGE_ROWS)
        setLoading(false)
      })
      return added
    } catch (error) {
      if (!isAbort(error)) setProblem((error as Error).message)
      setLoading(false)
      return 0
    }
  }

  /** A column that is new to the list: what arrives has it from now on, and the rows that are here get it where they stand. */
  async function fill(): Promise<void> {
    const missing = view.columns().filter(({ name }) => !isUsual(name) && !filled.has(name))
    const chosen = selection()
    if (missing.length === 0 || chosen === null) return
    filled = new Set([...filled, ...namesBeyondUsual()])
    tail?.setColumns(view.columns())
    place()
    const into = feed()
    const { signal } = current
    const events = into.items.filter((item): item is ListedEvent => 'id' in item)
    const from = events.reduce((least, { at }) => Math.min(least, at), chosen.to)
    const to = events.reduce((most, { at }) => Math.max(most, at + 1), from)
    const range = { ...chosen, from, to }
    const columns = [...new Set(['id', 'timestamp', ...missing.map(({ source }) => source)])]
    try {
      let before: { readonly id: string; readonly timestamp: string } | undefined
      for (let read = 0; read < events.length; read += FILL_ROWS) {
        const rows = await askRows(historySql(range, before, columns, FILL_ROWS), [], signal)
        into.fill(new Map(rows.map((row) => [row.id as string, moreOf(row, missing)])))
        changed()
        if (rows.length < FILL_ROWS) break
        before = { id: String(rows.at(-1)!.id), timestamp: String(rows.at(-1)!.timestamp) }
      }
    } catch (error) {
      if (!isAbort(error)) setProblem((error as Error).message)
    }
  }

  const pause = () => {
    if (!feed().following) return
    feed().pause()
    changed()
  }
  const resume = () => {
    feed().resume()
    changed()
  }

  return {
    feed: () => {
      version()
      return feed()
    },
    version,
    changed,
    selection,
    filterProblem,
    problem,
    loading,
    hasOlder,
    nextTryAt,
    lostAt,
    load,
    loadOlder,
    fill,
    pause,
    resume,
  }
}

const namesBeyondUsual = () => new Set(view.columns().flatMap(({ name }) => (isUsual(name) ? [] : [name])))

/** One page of history with the columns of the list, newest first. */
async function readPage(
  chosen: Selection,
  before: ListedEvent | undefined,
  signal: AbortSignal,
): Promise<ListedEvent[]> {
  const columns = view.columns()
  const rows = await askRows(historySql(chosen, before, readColumns(columns)), [], signal)
  return rows.map((row) => listedEvent(row, columns))
}

export type Stream = ReturnType<typeof createStream>
