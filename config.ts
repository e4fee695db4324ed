/** `millrace.config.ts` in the folder millrace is started from: where people plug in stages of their own. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Topology } from '#pipeline/topology/topology.ts'

const CONFIG_FILE = 'millrace.config.ts'

/**
 * The topology as the file in `folder` changes it; unchanged where there is none.
 * @throws OperatorError where the file cannot be loaded, has no default export that takes and gives a topology, or names a
 *   place that does not exist
 */
export async function configured(topology: Topology, folder: string): Promise<Topology> {
  const file = resolve(folder, CONFIG_FILE)
  if (!existsSync(file)) return topology
  let result: unknown
  try {
    const { default: change } = (await import(pathToFileURL(file).href)) as { default?: unknown }
    if (typeof change !== 'function') throw new TypeError('its default export is not a function of the topology')
    result = change(topology)
  } catch (cause) {
    throw new OperatorError(`${file}: ${(cause as Error).message}`, { cause })
  }
  if (!isTopology(result)) {
    throw new OperatorError(
      `${file}: what its default export gives is no topology. Did it forget to return topology.insert(…)?`,
    )
  }
  return result
}

function isTopology(value: unknown): value is Topology {
  return typeof value === 'object' && value !== null && 'stages' in value && 'insert' in value
}
