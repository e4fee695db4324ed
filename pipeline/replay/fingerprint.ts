import { hash } from 'node:crypto'
import type { Topology } from '../topology/topology.ts'

/**
 * Sixteen hex digits that change with the stages, their order, their settings, and the code they are built with; not with
 * code that this calls.
 */
export function fingerprint({ stages }: Topology): string {
  const parts = stages.map(({ name, consumes, produces, made }) => [name, consumes.name, produces.name, made ?? null])
  return hash('sha256', JSON.stringify(parts)).slice(0, 16)
}
