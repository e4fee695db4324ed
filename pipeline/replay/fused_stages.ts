/**
 * All stages of a topology on one source partition, fused: each value goes through one stage after another in memory, with
 * no topic between them. They are held to the contract they are held to when they run apart.
 */
import { Subject } from 'rxjs'
import { type Batch, DEAD_LETTER_CODE } from '../batch/batch.ts'
import { valueAt } from '../batch/column.ts'
import { OperatorError } from '../errors/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { openStage } from '../runtime/contract.ts'
import { exactlyOne } from '../runtime/exactly_one.ts'
import type { Stage, StageState } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { Topology } from '../topology/topology.ts'

/** What a value became: a batch on a topic. */
export type Output = readonly [topic: string, batch: Batch]

interface FusedStage {
  readonly stage: Stage
  readonly state: StageState
  /** @throws what the stage threw */
  send(value: Carrier): Carrier
}

/**
 * The one topic that everything else is made from.
 * @throws OperatorError where there is none, or more than one
 */
export function sourceOf(topology: Topology): Topic<Carrier> {
  const sources = topology.topics.filter(({ source }) => source)
  if (sources.length === 1) return sources[0]
  const names = sources.map(({ name }) => name).join(', ')
  throw new OperatorError(`a replay reads one source, but ${topology.name} has ${sources.length}: ${names}`)
}

export class FusedStages {
  readonly #source: string
  readonly #stages: readonly FusedStage[]
  #codes = new Map<string, number>()
  /** Events that stages put aside, in all. */
  deadLetters = 0

  constructor(topology: Topology, partition: number, logger: Pick<Logger, 'warn'>) {
    this.#source = sourceOf(topology).name
    this.#stages = topology.stages.map((stage) => fused(stage, partition, logger))
  }

  /** How far back a stage remembers, at most, ms: what to `warm` with before the first `push`. */
  get windowMs(): number {
    return Math.max(0, ...this.#stages.map(({ state }) => state.window?.durationMs ?? 0))
  }

  /** Stages whose state is saved with their position, so that none can begin in the middle without it. */
  get remembering(): readonly string[] {
    return this.#stages.filter(({ state }) => state.snapshot !== undefined).map(({ stage }) => stage.name)
  }

  /** Runs a value of the source. @returns what it became, on every topic @throws what a stage threw */
  push(value: Carrier): readonly Output[] {
    const outputs: Output[] = []
    this.#push(this.#source, value, outputs)
    return outputs
  }

  #push(topic: string, value: Carrier, outputs: Output[]): void {
    for (const { stage, send } of this.#readersOf(topic)) {
      const { deadLetters, ...output } = send(value) as Batch
      if (deadLetters !== undefined) this.#count(deadLetters)
      outputs.push([stage.produces.name, output])
      this.#push(stage.produces.name, output, outputs)
    }
  }

  #count(deadLetters: Batch): void {
    this.deadLetters += deadLetters.eventCount
    const codes = deadLetters.columns.get(DEAD_LETTER_CODE)!
    for (let row = 0; row < deadLetters.eventCount; row++) {
      const code = String(valueAt(codes, row))
      this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1)
    }
  }

  /** Runs a value and counts, by code, the events that stages put aside. @throws what a stage threw */
  rejected(value: Carrier): { readonly outputs: readonly Output[]; readonly codes: ReadonlyMap<string, number> } {
    this.#codes = new Map()
    const outputs = this.push(value)
    return { outputs, codes: this.#codes }
  }

  /** Shows a value from before the first `push` to the stages that remember; nothing comes out. */
  warm(value: Carrier): void {
    this.#warm(this.#source, value)
  }

  #warm(topic: string, value: Carrier): void {
    for (const { stage, state, send } of this.#readersOf(topic)) {
      // What stands behind it needs its output, and making that reminds it, too.
      if (this.#isWindowBehind(stage.produces.name)) this.#warm(stage.produces.name, send(value))
      else state.window?.remember(value)
    }
  }

  #isWindowBehind(topic: string): boolean {
    return this.#readersOf(topic).some(
      ({ stage, state }) => state.window !== undefined || this.#isWindowBehind(stage.produces.name),
    )
  }

  #readersOf(topic: string): readonly FusedStage[] {
    return this.#stages.filter(({ stage }) => stage.consumes.name === topic)
  }

  /** The states of all stages that keep one, as of the last value; `null` where none does. */
  snapshot(): Uint8Array | null {
    const states = this.#stages.flatMap(({ stage, state }) =>
      state.snapshot === undefined ? [] : [[stage.name, Buffer.from(state.snapshot()).toString('base64')]],
    )
    return states.length === 0 ? null : Buffer.from(JSON.stringify(Object.fromEntries(states)))
  }

  restore(bytes: Uint8Array): void {
    const states = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, string>
    for (const { stage, state } of this.#stages) {
      const saved = states[stage.name]
      if (saved !== undefined) state.restore?.(Buffer.from(saved, 'base64'))
    }
  }
}

function fused(stage: Stage, partition: number, logger: Pick<Logger, 'warn'>): FusedStage {
  const { contract, state } = openStage(stage, partition, logger)
  const input = new Subject<{ readonly value: Carrier }>()
  let output: Carrier | null = null
  let failure: unknown
  input.pipe(exactlyOne<Carrier, Carrier, { readonly value: Carrier }>(contract)).subscribe({
    next: (pair) => {
      output = pair.output
    },
    error: (error) => {
      failure = error
    },
  })
  return {
    stage,
    state,
    send(value) {
      input.next({ value })
      if (failure !== undefined) throw failure
      return output!
    },
  }
}
