/**
 * Where the archive's objects are: `<log id>/<topic>/<partition>/<first offset>.avro`, numbers with zeros before them, so
 * that a listing is the index. An object holds the records from its name's offset to where the next object begins.
 */
export interface PartitionPlace {
  readonly log: string
  readonly topic: string
  readonly partition: number
}

const NAME = /\/(\d{20})\.avro$/

/** The key prefix of a partition's objects. */
export function prefixOf({ log, topic, partition }: PartitionPlace): string {
  return `${log}/${topic}/${String(partition).padStart(5, '0')}/`
}

/** @param first offset */
export function keyOf(place: PartitionPlace, first: number): string {
  return `${prefixOf(place)}${String(first).padStart(20, '0')}.avro`
}

/** The first offset an object's key names; `null` where it is none of ours. */
export function firstIn(key: string): number | null {
  const match = NAME.exec(key)
  return match === null ? null : Number(match[1])
}
