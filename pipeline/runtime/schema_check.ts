/** Whether a record is of the schema its topic is read by: by the id before every value (Confluent wire format). */
import type { SchemaRegistry } from '../log/log.ts'
import type { Carrier, Topic } from '../stage/topic.ts'

/** @returns what is wrong, in a sentence; `null` where nothing is. @throws TransientError where the registry is away */
export type SchemaCheck = (topic: Topic<Carrier>, value: Uint8Array) => Promise<string | null> | string | null

const FRAME_BYTES = 5
/** Of other ids than the topics' own, looked up once each: anybody may write any. */
const MAX_KNOWN = 1000

/**
 * An older or newer schema of the same record is right: whether the value can be read by ours shows when it is.
 * @param schemaIds by topic name: what we write
 */
export function createSchemaCheck(
  registry: Pick<SchemaRegistry, 'schema'>,
  schemaIds: ReadonlyMap<string, number>,
): SchemaCheck {
  const known = new Map<number, string | null>()
  return (topic, value) => {
    // What is not framed at all says so when it is read.
    if (value.length < FRAME_BYTES || value[0] !== 0) return null
    const id = ((value[1] << 24) | (value[2] << 16) | (value[3] << 8) | value[4]) >>> 0
    if (id === schemaIds.get(topic.name)) return null
    const name = known.get(id)
    return name === undefined ? lookUp(id).then((found) => faultOf(topic, id, found)) : faultOf(topic, id, name)
  }

  async function lookUp(id: number): Promise<string | null> {
    let name: string | null = null
    try {
      name = nameOf(await registry.schema(id))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(id, name)
    return name
  }
}

function faultOf(topic: Topic<Carrier>, id: number, name: string | null): string | null {
  if (name === null) return `the registry has no schema ${id}`
  const wanted = nameOf(topic.codec.schema)
  return name === wanted ? null : `it is a ${name} (schema ${id}), where a ${wanted} belongs`
}

/** `millrace.v1.EventBatch`. */
function nameOf(schema: string): string {
  const { name, namespace } = JSON.parse(schema) as { name?: string; namespace?: string }
  return [namespace, name].filter(Boolean).join('.') || schema
}
