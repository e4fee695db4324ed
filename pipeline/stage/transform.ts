/**
 * A stage of one's own: declared without topics, because `topology.insert(transform, { after })` decides them. It runs
 * guarded: an exception, a batch that is wrong in itself or not what its topic holds, or a treatment that does not end
 * turns that one batch into dead letters named after the stage, and the flow goes on. With state of its own it stops its partition instead: a state
 * that was half changed must not be carried on.
 */
import type { OperatorFunction } from 'rxjs'
import type { z } from 'zod'
import type { Batch } from '../batch/batch.ts'
import { defineStage, type Stage, type StageContext } from './stage.ts'
import { defineTopic, type Topic } from './topic.ts'

/** How long a batch may take by default. A batch takes milliseconds; a second means a loop that does not end. */
const TIME_LIMIT_MS = 1_000
/** Of the topic a transform reads. */
const INPUT_SUFFIX = '.in.v1'

export interface TransformDefinition<Config extends z.ZodType> {
  /** A verb in snake_case; also the stage's consumer group, and part of its topic's name. */
  readonly name: string
  /** Every key needs a default. */
  readonly config?: Config
  /** For one batch; when it is over the treatment is broken off. */
  readonly timeLimitMs?: number
  readonly build: (config: z.output<Config>, context: StageContext) => OperatorFunction<Batch, Batch>
}

export interface Transform {
  readonly name: string
  /** The stage that reads a topic of its own and writes `produces`. */
  before(produces: Topic<Batch>): Stage<Batch, Batch>
}

export interface ConfigurableTransform<Config extends z.ZodType> extends Transform {
  /** The same with these settings. @throws ZodError naming the setting that does not fit */
  with(settings: z.input<Config>): Transform
}

/** Declares a stage of one's own. @throws RangeError where the name is not snake_case */
export function defineTransform<Config extends z.ZodType = z.ZodObject>(
  definition: TransformDefinition<Config>,
): ConfigurableTransform<Config> {
  const { name, timeLimitMs = TIME_LIMIT_MS } = definition
  const placed = (produces: Topic<Batch>) => {
    const consumes = defineTopic(`${produces.name.split('.')[0]}.${name}${INPUT_SUFFIX}`, produces.codec, {
      check: produces.check,
    })
    return defineStage<Batch, Batch, Config>({ ...definition, consumes, produces })
  }
  return {
    name,
    before: (produces) => ({ ...placed(produces), timeLimitMs }),
    with: (settings) => ({ name, before: (produces) => ({ ...placed(produces).with(settings), timeLimitMs }) }),
  }
}
