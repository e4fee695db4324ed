/** A topology: stages and sinks that meet on topics. Checked before anything starts; able to describe itself. */
import type { AnySink } from '../stage/sink.ts'
import type { Stage } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { Transform } from '../stage/transform.ts'

export interface Topology {
  readonly name: string
  /** In the order data meets them. */
  readonly stages: readonly Stage[]
  readonly sinks: readonly AnySink[]
  /** In the order data meets them; sources first. */
  readonly topics: readonly Topic<Carrier>[]
  /** The same topology with sinks at its topics. @throws RangeError as {@link defineTopology} */
  withSinks(sinks: readonly AnySink[]): Topology
  /**
   * The same topology with a stage of one's own behind another. It writes the topic that the other wrote, and the
   * other writes one made for it: whoever reads the old topic goes on reading it, where it stands.
   * @throws RangeError where there is no such stage
   */
  insert(transform: Transform, place: { readonly after: string }): Topology
}

// biome-ignore lint/suspicious/noExplicitAny: a stage's types are checked where it is declared; here only topics count
type AnyStage = Stage<any, any>

/**
 * Puts stages together.
 * @throws RangeError where a name is taken twice, a topic has two producers, a stage reads what nobody produces, or
 *   the stages form a circle
 */
export function defineTopology(name: string, stages: readonly AnyStage[], sinks: readonly AnySink[] = []): Topology {
  const names = [...stages, ...sinks].map((part) => part.name)
  const twice = names.find((part, at) => names.indexOf(part) !== at)
  if (twice !== undefined) throw new RangeError(`topology ${name}: two parts are called ${twice}`)
  const ordered = inOrder(name, stages)
  const topics = new Map<string, Topic<Carrier>>()
  for (const stage of ordered) {
    topics.set(stage.consumes.name, stage.consumes)
    topics.set(stage.produces.name, stage.produces)
  }
  for (const sink of sinks) {
    if (!topics.has(sink.consumes.name)) {
      throw new RangeError(`topology ${name}: sink ${sink.name} reads ${sink.consumes.name}, which nothing produces`)
    }
  }
  return {
    name,
    stages: ordered,
    sinks,
    topics: [...topics.values()],
    withSinks: (more) => defineTopology(name, stages, [...sinks, ...more]),
    insert(transform, { after }) {
      const before = ordered.find((stage) => stage.name === after)
      if (before === undefined) {
        throw new RangeError(
          `topology ${name}: ${transform.name} goes after ${after}, but the stages are ${ordered.map((stage) => stage.name).join(', ')}`,
        )
      }
      const inserted = transform.before(before.produces)
      const diverted = ordered.map((stage) => (stage === before ? { ...before, produces: inserted.consumes } : stage))
      return defineTopology(name, [...diverted, inserted], sinks)
    },
  }
}

function inOrder(name: string, stages: readonly AnyStage[]): AnyStage[] {
  const producers = new Map<string, AnyStage>()
  for (const stage of stages) {
    const other = producers.get(stage.produces.name)
    if (other !== undefined) {
      throw new RangeError(`topology ${name}: ${other.name} and ${stage.name} both produce ${stage.produces.name}`)
    }
    if (stage.produces.source)
      throw new RangeError(`topology ${name}: ${stage.name} produces the source ${stage.produces.name}`)
    producers.set(stage.produces.name, stage)
  }
  const ordered: AnyStage[] = []
  const open = new Set<AnyStage>()
  const visit = (stage: AnyStage): void => {
    if (ordered.includes(stage)) return
    if (open.has(stage))
      throw new RangeError(`topology ${name}: ${[...open].map((part) => part.name).join(' → ')} is a circle`)
    open.add(stage)
    const before = producers.get(stage.consumes.name)
    if (before !== undefined) visit(before)
    else if (!stage.consumes.source) {
      throw new RangeError(`topology ${name}: ${stage.name} reads ${stage.consumes.name}, which nothing produces`)
    }
    open.delete(stage)
    ordered.push(stage)
  }
  for (const stage of stages) visit(stage)
  return ordered
}
