/** Holds a stage's operators to the contract: one batch in, one batch out, same origin, synchronously. */
import { map, Observable, type OperatorFunction, Subject, type Subscription } from 'rxjs'
import { InvariantError } from '../errors/errors.ts'
import type { Carrier } from '../stage/topic.ts'

export interface Pair<In, Out> {
  readonly input: In
  readonly output: Out
}

export interface Contract<In, Out> {
  readonly name: string
  /** The stage's operators; asked again after they have failed. */
  readonly operators: () => OperatorFunction<In, Out>
  /** Calls `send`, which runs one value through the operators. */
  readonly around?: (send: () => void) => void
  /** What to give for a value where `around`, the operators or the contract failed; without it the stream fails. */
  readonly instead?: (value: In, error: Error) => Out
  /** What is done with a value before the operators, and after them. Without it they are given every value as it is. */
  readonly enter?: (value: In) => Entry<In, Out>
}

/** A value goes through the operators, or past them. */
export type Entry<In, Out> = { readonly through: In; readonly finish: (output: Out) => Out } | { readonly past: Out }

/**
 * Runs each value through the stage's operators and gives it back together with what came out.
 * Fails with InvariantError where nothing, more than one value, a value of another origin, or an end came out.
 */
export function exactlyOne<In extends Carrier, Out extends Carrier, Item extends { readonly value: In }>(
  contract: Contract<In, Out>,
): OperatorFunction<Item, Pair<Item, Out>> {
  const { around = (send) => send(), instead, enter = asItIs<In, Out> } = contract
  return (items) =>
    new Observable<Pair<Item, Out>>((subscriber) => {
      let chain = new Chain<In, Out>(contract)
      const subscription = items
        .pipe(
          map((item) => {
            const entry = enter(item.value)
            if ('past' in entry) return { input: item, output: entry.past }
            return { input: item, output: entry.finish(treat(entry.through)) }
          }),
        )
        .subscribe(subscriber)
      return () => {
        subscription.unsubscribe()
        chain.close()
      }

      function treat(value: In): Out {
        try {
          let output: Out | undefined
          around(() => {
            output = chain.send(value)
          })
          return output!
        } catch (error) {
          if (instead === undefined) throw error
          // Broken off in the middle, operators are in no state to go on.
          chain.close()
          chain = new Chain(contract)
          return instead(value, error as Error)
        }
      }
    })
}

function asItIs<In, Out>(value: In): Entry<In, Out> {
  return { through: value, finish: (output) => output }
}

/** The operators, subscribed once. */
class Chain<In extends Carrier, Out extends Carrier> {
  readonly #name: string
  readonly #input = new Subject<In>()
  readonly #subscription: Subscription
  #emitted: Out[] = []
  #failure: unknown

  constructor({ name, operators }: Contract<In, Out>) {
    this.#name = name
    this.#subscription = this.#input.pipe(operators()).subscribe({
      next: (output) => void this.#emitted.push(output),
      error: (error) => {
        this.#failure = error ?? new InvariantError(`stage ${name} failed without saying why`)
      },
      complete: () => {
        this.#failure ??= new InvariantError(
          `stage ${name} ended its stream: a stage goes on as long as its input does`,
        )
      },
    })
  }

  send(value: In): Out {
    this.#emitted = []
    this.#input.next(value)
    if (this.#failure !== undefined) throw this.#failure
    if (this.#emitted.length !== 1) {
      throw new InvariantError(
        `stage ${this.#name} gave ${this.#emitted.length} batches for one: a stage gives exactly one batch for each, at once`,
      )
    }
    const [output] = this.#emitted
    if (output.origin.offset !== value.origin.offset || output.origin.partition !== value.origin.partition) {
      throw new InvariantError(`stage ${this.#name} changed the origin of a batch`)
    }
    return output
  }

  close(): void {
    this.#subscription.unsubscribe()
  }
}
