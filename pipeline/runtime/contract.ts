/** What a stage is held to: our own to the contract alone, others' to time, well-formed batches and their topic's as well. */
import { type OperatorFunction, pipe, tap } from 'rxjs'
import type { Batch } from '../batch/batch.ts'
import { checkBatch } from '../batch/check_batch.ts'
import { InvariantError } from '../errors/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { failed } from '../stage/operators.ts'
import type { Stage, StageState } from '../stage/stage.ts'
import type { Carrier } from '../stage/topic.ts'
import { enter } from './enter.ts'
import type { Contract } from './exactly_one.ts'
import type { FailureRule } from './failure_rule.ts'
import { withinTime } from './guard.ts'

/** A stage opened on a partition. */
export interface OpenedStage {
  readonly contract: Contract<Carrier, Carrier>
  /** What the stage attached while it was built. */
  readonly state: StageState
}

/** Opens a stage, guarded where it is not ours. @param rule says when what it fails at is its own fault */
export function openStage(
  stage: Stage,
  partition: number,
  logger: Pick<Logger, 'warn'>,
  rule?: FailureRule,
): OpenedStage {
  let state: StageState = {}
  const open = () => stage.open({ stage: stage.name, partition, attach: (attached) => (state = attached) })
  // Built at once: the state must be known before the first batch. Built again only after a failure.
  let first: OperatorFunction<Carrier, Carrier> | null = open()
  const operators = () => {
    const opened = first ?? open()
    first = null
    return opened
  }
  const { name, timeLimitMs } = stage
  const entered = { name, enter: (value: Carrier) => enter(stage, value, rule) }
  if (timeLimitMs === undefined) return { contract: { ...entered, operators }, state }
  const contract: Contract<Carrier, Carrier> = {
    ...entered,
    operators: () =>
      pipe(
        operators(),
        tap((output) => {
          checkBatch(output as Batch)
          stage.produces.check?.(output)
        }),
      ),
    around: (send) => withinTime(send, timeLimitMs),
    instead(value, error) {
      const { origin, eventCount } = value
      if (state.snapshot !== undefined || state.window !== undefined) {
        throw new InvariantError(`stage ${name} failed and has state, which may be half changed: ${error.message}`, {
          cause: error,
        })
      }
      logger.warn(
        { stage: name, partition, origin: origin.offset, events: eventCount, error: error.message },
        'batch put aside',
      )
      return failed(value as Batch, `${name}: ${error.message}`)
    },
  }
  return { contract, state }
}
