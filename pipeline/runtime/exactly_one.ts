/** Holds a stage's operators to the contract: one batch in, one batch out, same origin, synchronously. */
import { map, Observable, type OperatorFunction, Subject } from 'rxjs'
import { InvariantError } from '../errors/errors.ts'
import type { Carrier } from '../stage/topic.ts'

export interface Pair<In, Out> {
  readonly input: In
  readonly output: Out
}

/**
 * Runs each value through the stage's operators and gives it back together with what came out.
 * Fails with InvariantError where nothing, more than one value, a value of another origin, or an end came out.
 */
export function exactlyOne<In extends Carrier, Out extends Carrier, Item extends { readonly value: In }>(
  stage: string,
  operators: OperatorFunction<In, Out>,
): OperatorFunction<Item, Pair<Item, Out>> {
  return (items) =>
    new Observable<Pair<Item, Out>>((subscriber) => {
      const input = new Subject<In>()
      let emitted: Out[] = []
      let failure: unknown
      const chain = input.pipe(operators).subscribe({
        next: (output) => void emitted.push(output),
        error: (error) => {
          failure = error ?? new InvariantError(`stage ${stage} failed without saying why`)
        },
        complete: () => {
          failure ??= new InvariantError(`stage ${stage} ended its stream: a stage goes on as long as its input does`)
        },
      })
      const run = (item: Item): Pair<Item, Out> => {
        emitted = []
        input.next(item.value)
        if (failure !== undefined) throw failure
        if (emitted.length !== 1) {
          throw new InvariantError(
            `stage ${stage} gave ${emitted.length} batches for one: a stage gives exactly one batch for each, at once`,
          )
        }
        const [output] = emitted
        if (
          output.origin.offset !== item.value.origin.offset ||
          output.origin.partition !== item.value.origin.partition
        ) {
          throw new InvariantError(`stage ${stage} changed the origin of a batch`)
        }
        return { input: item, output }
      }
      const subscription = items.pipe(map(run)).subscribe(subscriber)
      return () => {
        subscription.unsubscribe()
        chain.unsubscribe()
      }
    })
}
