/** The upper rungs of the ladder: stages that remember, and stages that wait. */
import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../batch/batch.ts'
import { InvariantError } from '../errors/errors.ts'
import type { StageContext, StageState } from './stage.ts'
import type { Carrier } from './topic.ts'

/** How a state becomes bytes and back. */
export interface StateCodec<S> {
  encode(state: S): Uint8Array
  decode(bytes: Uint8Array): S
}

/** A state of plain values (what `JSON` keeps). */
export function jsonState<S>(): StateCodec<S> {
  return {
    encode: (state) => Buffer.from(JSON.stringify(state)),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')),
  }
}

interface Remembering<S, In extends Carrier> {
  readonly initial: () => S
  /** Keeps the state as a snapshot saved with every position. */
  readonly snapshot?: StateCodec<S>
  /** Or makes it again at every start, from the records received in the last `durationMs` before the position. */
  readonly window?: { readonly durationMs: number; readonly remember: (state: S, input: In) => void }
}

export interface Stateful<S, In extends Carrier, Out extends Carrier> extends Remembering<S, In> {
  /** One batch further. May change the state in place; an exception stops the partition. */
  readonly step: (state: S, input: In) => Out
}

/** A stage with memory, one state per partition. */
export function stateful<S, In extends Carrier, Out extends Carrier>(
  context: StageContext,
  spec: Stateful<S, In, Out>,
): OperatorFunction<In, Out> {
  const cell = attachState(context, spec)
  return map((input) => spec.step(cell.state, input))
}

/** Timers of a partition. Time is event time: they fire when a record's `receivedAt` reaches them, ticks included. */
export interface Timers {
  /** Sets (or moves) the timer `name` to `at`, microseconds since 1970. */
  set(name: string, at: number): void
  clear(name: string): void
}

/** The stage's own state and its pending timers: what the snapshot holds. */
interface Timed<S> {
  own: S
  timers: Map<string, number>
}

export interface WithTimers<S> {
  readonly initial: () => S
  readonly snapshot: StateCodec<S>
  /** Treats a batch. Timers that it sets to a time already reached fire at once, after it. */
  readonly step: (state: S, batch: Batch, timers: Timers) => Batch
  /**
   * A timer is due: may add to what the batch in hand gives. Timers fire in order of time, then name. One that is set
   * again to a time already reached fires again, at most 100,000 times for a batch: more stops the partition.
   */
  readonly onTimer: (state: S, name: string, at: number, out: Batch, timers: Timers) => Batch
}

/** Timers set while timers fire, per batch: a day without a batch, caught up with second by second. */
const MAX_REPEATS = 100_000

/** A stage that acts when time passes. What a timer emits goes out with the batch (often a tick) that moved the time. */
export function withTimers<S>(context: StageContext, spec: WithTimers<S>): OperatorFunction<Batch, Batch> {
  return stateful<Timed<S>, Batch, Batch>(context, {
    initial: () => ({ own: spec.initial(), timers: new Map() }),
    snapshot: {
      encode(state) {
        const own = Buffer.from(spec.snapshot.encode(state.own)).toString('base64')
        return Buffer.from(JSON.stringify({ own, timers: [...state.timers] }))
      },
      decode(bytes) {
        const stored = JSON.parse(Buffer.from(bytes).toString('utf8'))
        return { own: spec.snapshot.decode(Buffer.from(stored.own, 'base64')), timers: new Map(stored.timers) }
      },
    },
    step(state, batch) {
      const timers: Timers = {
        set: (name, at) => void state.timers.set(name, at),
        clear: (name) => void state.timers.delete(name),
      }
      let out = spec.step(state.own, batch, timers)
      for (let left = state.timers.size + MAX_REPEATS; ; left--) {
        const due = earliest(state.timers, batch.receivedAt)
        if (due === null) return out
        if (left === 0) {
          throw new InvariantError(
            `stage ${context.stage} sets timers, last ${due.name}, again and again to times already reached: more than ` +
              `${MAX_REPEATS} for one batch`,
          )
        }
        state.timers.delete(due.name)
        out = spec.onTimer(state.own, due.name, due.at, out, timers)
      }
    },
  })
}

function earliest(timers: ReadonlyMap<string, number>, now: number): { name: string; at: number } | null {
  let first: { name: string; at: number } | null = null
  for (const [name, at] of timers) {
    if (at > now) continue
    if (first === null || at < first.at || (at === first.at && name < first.name)) first = { name, at }
  }
  return first
}

function attachState<S, In extends Carrier>(context: StageContext, spec: Remembering<S, In>): { state: S } {
  const cell = { state: spec.initial() }
  const { snapshot, window } = spec
  const state: StageState = {
    ...(snapshot === undefined
      ? {}
      : {
          snapshot: () => snapshot.encode(cell.state),
          restore: (bytes: Uint8Array) => {
            cell.state = snapshot.decode(bytes)
          },
        }),
    ...(window === undefined
      ? {}
      : {
          window: {
            durationMs: window.durationMs,
            remember: (input: Carrier) => window.remember(cell.state, input as In),
          },
        }),
  }
  context.attach(state)
  return cell
}
