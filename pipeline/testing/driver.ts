/**
 * Runs a topology without a broker: every value goes through the real Avro bytes of its topic, time moves by hand.
 * The driver a stage's author uses is the one we use.
 */

import { Subject } from 'rxjs'
import type { Batch, Origin } from '../batch/batch.ts'
import { openStage } from '../runtime/contract.ts'
import { exactlyOne } from '../runtime/exactly_one.ts'
import type { Stage, StageState } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { Topology } from '../topology/topology.ts'

const SCHEMA_ID = 1

/** One stage on one partition. */
export class StageTestDriver<In extends Carrier, Out extends Carrier> {
  readonly stage: Stage<In, Out>
  /** Dead letters so far, in order. */
  readonly deadLetters: Batch[] = []
  readonly #state: StageState
  readonly #input = new Subject<{ readonly value: In }>()
  #output: Out | null = null
  #failure: unknown

  constructor(stage: Stage<In, Out>) {
    this.stage = stage
    const { contract, state } = openStage(stage as unknown as Stage, 0, { warn() {} })
    this.#state = state
    this.#input.pipe(exactlyOne<Carrier, Carrier, { readonly value: In }>(contract)).subscribe({
      next: ({ output }) => (this.#output = output as Out),
      error: (error) => (this.#failure = error),
    })
  }

  /** Sends one value through and gives what came out, both by way of their topics' bytes. @throws what the stage threw */
  pipe(input: In): Out {
    this.#output = null
    this.#input.next({ value: throughBytes(this.stage.consumes, input) })
    if (this.#failure !== undefined) throw this.#failure
    const { deadLetters, ...output } = this.#output as unknown as Out & Partial<Pick<Batch, 'deadLetters'>>
    if (deadLetters !== undefined) this.deadLetters.push(deadLetters)
    return throughBytes(this.stage.produces, output as unknown as Out)
  }

  /** The state as it would be saved now; `null` for a stage that saves none. */
  snapshot(): Uint8Array | null {
    return this.#state.snapshot?.() ?? null
  }

  /** Brings the state to where `history`, the inputs so far, had brought it. */
  restore(snapshot: Uint8Array | null, history: readonly In[]): void {
    if (snapshot !== null) this.#state.restore?.(snapshot)
    const { window } = this.#state
    if (window === undefined || history.length === 0) return
    const from = history[history.length - 1].receivedAt - window.durationMs * 1000
    for (const input of history) if (input.receivedAt >= from) window.remember(input)
  }
}

/** All stages of a topology, one partition. */
export class TopologyTestDriver {
  readonly #drivers: readonly StageTestDriver<Carrier, Carrier>[]
  readonly #outputs = new Map<string, Carrier[]>()

  constructor(topology: Topology) {
    this.#drivers = topology.stages.map((stage) => new StageTestDriver(stage))
  }

  /** Puts a value on a source topic and lets it run through everything that follows. */
  pipe<In extends Carrier>(topic: Topic<In>, input: In): void {
    this.#outputs.set(topic.name, [...this.read(topic), input])
    for (const driver of this.#drivers) {
      if (driver.stage.consumes.name === topic.name) this.pipe(driver.stage.produces, driver.pipe(input))
    }
  }

  /** What has been written to a topic so far. */
  read<T extends Carrier>(topic: Topic<T>): readonly T[] {
    return (this.#outputs.get(topic.name) ?? []) as T[]
  }

  /** Dead letters of a stage so far. */
  deadLetters(stage: string): readonly Batch[] {
    return this.#drivers.find((driver) => driver.stage.name === stage)?.deadLetters ?? []
  }
}

function throughBytes<T extends Carrier>(topic: Topic<T>, value: T): T {
  const place: Origin = value.origin
  return topic.codec.decode(topic.codec.encode(value, SCHEMA_ID), place)
}
