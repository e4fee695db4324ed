/**
 * A stage: an RxJS operator topology from one topic to another.
 *
 * The contract, which the runtime checks: **one batch in, one batch out, same order, same origin**, synchronously. An
 * empty batch is a batch: it carries time. A stage reads no clock, network or randomness; time is `receivedAt`.
 * A bad event is a value (`drop`, `deadLetter`), never an exception.
 */
import type { OperatorFunction } from 'rxjs'
import { z } from 'zod'
import type { Batch } from '../batch/batch.ts'
import { type Carrier, type Codec, defineTopic, type Topic } from './topic.ts'

/** State that outlives the process, as the runtime sees it. See `stateful.ts` for the ways to declare it. */
export interface StageState {
  /** The whole state as bytes; saved together with the position, before the position is committed. */
  snapshot?(): Uint8Array
  /** Replaces the state; called before the first batch. */
  restore?(bytes: Uint8Array): void
  /** State that is made again from the records of the last `durationMs` before the position. */
  readonly window?: { readonly durationMs: number; remember(input: Carrier): void }
}

export interface StageContext {
  readonly stage: string
  readonly partition: number
  /** Called at most once, while building: gives the stage's state to the runtime. */
  attach(state: StageState): void
}

/** A stage with its configuration, ready to be opened once per partition. */
export interface Stage<In extends Carrier = Carrier, Out extends Carrier = Carrier> {
  readonly name: string
  readonly consumes: Topic<In>
  readonly produces: Topic<Out>
  /** What it was configured with, and what makes it: two stages that differ here may treat events differently. */
  readonly made?: string
  /** Set for stages that are not ours: they run guarded (see `transform.ts`), each batch at most this long. */
  readonly timeLimitMs?: number
  open(context: StageContext): OperatorFunction<In, Out>
}

export interface StageDefinition<In extends Carrier, Out extends Carrier, Config extends z.ZodType> {
  /** A verb in snake_case; also the stage's consumer group. */
  readonly name: string
  readonly consumes: Topic<In>
  readonly produces: Topic<Out>
  /** Every key needs a default: a stage works without being configured. */
  readonly config?: Config
  readonly build: (config: z.output<Config>, context: StageContext) => OperatorFunction<In, Out>
}

/** A stage as declared: usable as it is (defaults), or with other settings. */
export interface ConfigurableStage<In extends Carrier, Out extends Carrier, Config extends z.ZodType>
  extends Stage<In, Out> {
  /** The same stage with these settings. @throws ZodError naming the setting that does not fit */
  with(settings: z.input<Config>): Stage<In, Out>
}

/** Declares a stage. @throws RangeError where the name is not snake_case; ZodError where a setting has no default */
export function defineStage<In extends Carrier, Out extends Carrier, Config extends z.ZodType = z.ZodObject>(
  definition: StageDefinition<In, Out, Config>,
): ConfigurableStage<In, Out, Config> {
  if (!/^[a-z][a-z0-9_]*$/.test(definition.name)) {
    throw new RangeError(`stage ${definition.name}: a name is lower-case words joined by _`)
  }
  const schema = definition.config ?? (z.strictObject({}) as unknown as Config)
  const configured = (settings: unknown): Stage<In, Out> => {
    const config = schema.parse(settings)
    const { name, consumes, produces, build } = definition
    const made = JSON.stringify([config, String(build)])
    return { name, consumes, produces, made, open: (context) => build(config, context) }
  }
  return { ...configured({}), with: configured }
}

const WEEK_MS = 7 * 24 * 3_600_000

/**
 * Where a stage puts the events it could not treat, and a sink those it cannot take: `<topic it reads>.dlq`, batches like
 * those the stage produces or the sink reads.
 */
export function deadLetterTopic(reader: Pick<Stage, 'consumes'> & Partial<Pick<Stage, 'produces'>>): Topic<Batch> {
  const codec = (reader.produces ?? reader.consumes).codec as Codec<Carrier> as Codec<Batch>
  return defineTopic(`${reader.consumes.name}.dlq`, codec, { retentionMs: WEEK_MS })
}
