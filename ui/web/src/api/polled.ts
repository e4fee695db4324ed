/** Answers that are read again now and then while the range goes on by itself: counts, never rows under the eye. */
import { type Accessor, createEffect, createSignal, on, onCleanup } from 'solid-js'
import { isAbort } from './ask.ts'

export interface Pace {
  readonly intervalMs: number
  /** An answer that takes long is asked for less often: it rests that many times as long as it took. */
  readonly restTimes: number
  /** Whether it is read again at all. */
  readonly goesOn: () => boolean
}

export interface Polled<T> {
  /** The last answer, `null` before the first. It stays while the next is on its way, and when that fails. */
  readonly answer: Accessor<T | null>
  /** Why the last reading failed. */
  readonly problem: Accessor<string | null>
  readonly again: () => void
}

/** @param source what to read about; `null` for nothing yet. Another one ends the reading under way. */
export function createPolled<S, T>(
  source: Accessor<S | null>,
  read: (source: S, signal: AbortSignal) => Promise<T>,
  { intervalMs, restTimes, goesOn }: Pace,
): Polled<T> {
  const [answer, setAnswer] = createSignal<T | null>(null)
  const [problem, setProblem] = createSignal<string | null>(null)
  const [times, setTimes] = createSignal(0)
  createEffect(
    on([source, times], ([about]) => {
      if (about === null) return
      const stop = new AbortController()
      let timer: ReturnType<typeof setTimeout> | undefined
      const readOnce = async () => {
        const started = performance.now()
        try {
          const found = await read(about, stop.signal)
          if (stop.signal.aborted) return
          setAnswer(() => found)
          setProblem(null)
        } catch (error) {
          if (!isAbort(error)) setProblem((error as Error).message)
        }
        const restMs = Math.max(intervalMs, restTimes * (performance.now() - started))
        if (goesOn() && !stop.signal.aborted) timer = setTimeout(() => void readOnce(), restMs)
      }
      void readOnce()
      onCleanup(() => {
        clearTimeout(timer)
        stop.abort()
      })
    }),
  )
  return { answer, problem, again: () => setTimes((before) => before + 1) }
}
