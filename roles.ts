/** What a process does: everything by default, or a part, where several processes share a log. */
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Topology } from '#pipeline/topology/topology.ts'

export const ROLES = {
  receive: 'take OTLP in',
  stages: 'run the stages',
  lake: 'write the lake and the projections in PostgreSQL',
  query: "answer SQL over PostgreSQL's protocol",
  ui: 'serve the web page, the API and the live tail',
} as const

export type Role = keyof typeof ROLES

export interface Roles {
  readonly names: readonly Role[]
  /** Whether this process does all of it. */
  readonly isWhole: boolean
  has(role: Role): boolean
  /**
   * Whether a stage or sink, by its name, runs here.
   * @throws OperatorError where a stage was asked for that the topology does not have
   */
  runs(topology: Topology): (name: string) => boolean
}

/** What was said at the start. */
export interface RoleFlags {
  /** `--roles a,b`; `all`, or nothing, is all. */
  readonly roles?: string
  /** `--stage name`, repeated: of the stages only these. */
  readonly stage?: readonly string[]
}

/** @throws OperatorError naming a role that there is not */
export function rolesOf({ roles = 'all', stage = [] }: RoleFlags): Roles {
  const all = Object.keys(ROLES) as Role[]
  const asked = roles.split(',').map((name) => name.trim())
  const unknown = asked.filter((name) => name !== 'all' && !(name in ROLES))
  if (unknown.length > 0) throw new OperatorError(`there is no role ${unknown.join(', ')}: there are ${all.join(', ')}`)
  if (stage.length > 0 && roles === 'all') return rolesOf({ roles: 'stages', stage })
  const names = asked.includes('all') ? all : all.filter((role) => asked.includes(role))
  if (stage.length > 0 && !names.includes('stages')) {
    throw new OperatorError(`--stage ${stage.join(' --stage ')} needs the role stages`)
  }
  return {
    names,
    isWhole: names.length === all.length && stage.length === 0,
    has: (role) => names.includes(role),
    runs(topology) {
      const stages = topology.stages.map(({ name }) => name)
      const missing = stage.filter((name) => !stages.includes(name))
      if (missing.length > 0) {
        throw new OperatorError(`there is no stage ${missing.join(', ')}: there are ${stages.join(', ')}`)
      }
      return (name) => {
        if (!stages.includes(name)) return names.includes('lake')
        return names.includes('stages') && (stage.length === 0 || stage.includes(name))
      }
    },
  }
}
