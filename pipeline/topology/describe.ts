/** What a topology looks like: as data, and as a Mermaid picture. */
import type { Topology } from './topology.ts'

export interface TopologyDescription {
  readonly name: string
  readonly topics: readonly { readonly name: string; readonly source: boolean }[]
  readonly stages: readonly { readonly name: string; readonly consumes: string; readonly produces: string }[]
  readonly sinks: readonly { readonly name: string; readonly consumes: string }[]
}

export function describe(topology: Topology): TopologyDescription {
  return {
    name: topology.name,
    topics: topology.topics.map(({ name, source }) => ({ name, source })),
    stages: topology.stages.map((stage) => ({
      name: stage.name,
      consumes: stage.consumes.name,
      produces: stage.produces.name,
    })),
    sinks: topology.sinks.map((sink) => ({ name: sink.name, consumes: sink.consumes.name })),
  }
}

/** A Mermaid flowchart: topics as cylinders, stages as boxes, sinks as rounded boxes. */
export function mermaid(description: TopologyDescription): string {
  const id = (name: string) => name.replaceAll(/[^a-z0-9]/g, '_')
  const lines = ['flowchart LR']
  for (const topic of description.topics) lines.push(`  ${id(topic.name)}[(${topic.name})]`)
  for (const stage of description.stages) {
    lines.push(`  ${id(stage.consumes)} --> ${stage.name}[${stage.name}] --> ${id(stage.produces)}`)
  }
  for (const sink of description.sinks) lines.push(`  ${id(sink.consumes)} --> ${sink.name}([${sink.name}])`)
  return `${lines.join('\n')}\n`
}
