/**
 * How much the page's main thread computes, in CPU time: unlike the time on the wall it does not grow when something
 * else keeps the machine busy. Read from Chromium's own trace (DevTools' `Tracing`), where `tdur` is thread time.
 */
import type { CDPSession, Page } from 'playwright-core'

/** An event of Chromium's trace (Trace Event Format, JSON): times in microseconds. */
interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  /** CPU time of the thread. */
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

export interface MainThread {
  /** CPU milliseconds of each task that made a frame (script, style, layout, paint), shortest first. */
  readonly frames: readonly number[]
  /** CPU milliseconds of all tasks together: frames, messages, timers. */
  readonly total: number
}

/** Watches the main thread of a page from now on. @returns what it did, once it is asked */
export async function watchMainThread(page: Page): Promise<() => Promise<MainThread>> {
  const devtools = await page.context().browser()!.newBrowserCDPSession()
  await devtools.send('Tracing.start', {
    transferMode: 'ReportEvents',
    // As few as will do: what is traced costs time, too.
    traceConfig: { includedCategories: ['toplevel', 'devtools.timeline'], excludedCategories: ['*'] },
  })
  return async () => {
    const events = await collected(devtools)
    await devtools.detach()
    return summary(events)
  }
}

async function collected(devtools: CDPSession): Promise<TraceEvent[]> {
  const events: TraceEvent[] = []
  devtools.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value) events.push(event as unknown as TraceEvent)
  })
  const complete = new Promise<void>((resolve) => devtools.once('Tracing.tracingComplete', () => resolve()))
  await devtools.send('Tracing.end')
  await complete
  return events
}

/** Of the renderer that did the most: the browser keeps a spare one that does nothing. */
function summary(events: readonly TraceEvent[]): MainThread {
  const threads = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const all = threads.map(({ pid, tid }) => ofThread(events.filter((event) => event.pid === pid && event.tid === tid)))
  return all.reduce((most, each) => (each.total > most.total ? each : most), { frames: [], total: 0 })
}

function ofThread(events: readonly TraceEvent[]): MainThread {
  const named = (name: string) => events.filter((event) => event.name === name).sort((a, b) => a.ts - b.ts)
  const animations = named('FireAnimationFrame')
  const frames: number[] = []
  let total = 0
  let next = 0
  for (const { ts, dur = 0, tdur = 0 } of named('ThreadControllerImpl::RunTask')) {
    total += tdur / 1000
    const before = next
    while (next < animations.length && animations[next].ts < ts + dur) next++
    if (next > before) frames.push(tdur / 1000)
  }
  return { frames: frames.sort((a, b) => a - b), total }
}
