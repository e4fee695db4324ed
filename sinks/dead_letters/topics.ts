/** Which topics have dead letters, and who writes them. */
import type { Batch } from '#pipeline/batch/batch.ts'
import type { Sink } from '#pipeline/stage/sink.ts'
import { deadLetterTopic, type Stage } from '#pipeline/stage/stage.ts'
import type { Topic } from '#pipeline/stage/topic.ts'
import type { Topology } from '#pipeline/topology/topology.ts'

export interface DeadTopic {
  /** The topic read. */
  readonly of: string
  readonly dead: Topic<Batch>
}

/** One for each topic that is read; its readers share it. It is of the shape that a stage gives it where one reads the topic. */
export function deadTopics({ stages, sinks }: Topology): readonly DeadTopic[] {
  const found = new Map<string, DeadTopic>()
  for (const reader of [...stages, ...sinks] as (Stage | Sink)[]) {
    const { name } = reader.consumes
    if (!found.has(name)) found.set(name, { of: name, dead: deadLetterTopic(reader) })
  }
  return [...found.values()]
}
