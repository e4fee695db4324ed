/** Who asks, and what they may. */
import { DEFAULT_PROJECT } from '../directory/projects.ts'
import { ApiError } from './problem.ts'

/** What a member of a project may: see its telemetry, change what is kept about it, administer it. */
export const ROLES = ['viewer', 'editor', 'admin'] as const
export type Role = (typeof ROLES)[number]

export interface Caller {
  /** `local`: the command line on the same machine, with the key in `run.json`. */
  readonly kind: 'key' | 'user' | 'local'
  /** Of the key, or of the user. */
  readonly id: string
  /** For people: of the audit log. */
  readonly name: string
  /** The project asked about: that of the key, that the user looks at, or the one the request names. */
  readonly projectId: string
  readonly projectName: string
  /** In that project; `null` for a key that may only send, and for who has lost the project. */
  readonly role: Role | null
  /** Admin of the project `default`, and with that of the instance: of all projects, users and teams. */
  readonly operator: boolean
}

/** Who may ask a route: at least that role in the project asked about, or whom it says. */
export type Requirement = 'public' | 'anyone signed in' | Role | 'operator'

/**
 * The one place that decides.
 * @throws ApiError 401 where nobody is known, 403 where they may not
 */
export function enforce(caller: Caller | null, requirement: Requirement): asserts caller is Caller {
  if (caller === null)
    throw new ApiError(401, '28000', 'This needs an API key (authorization: Bearer <key>), or to be signed in')
  if (requirement === 'anyone signed in') return
  if (requirement === 'operator') {
    if (!caller.operator) throw refused(`This is for admins of the project ${DEFAULT_PROJECT}`)
    return
  }
  if (requirement === 'public') return
  if (caller.role !== null && ROLES.indexOf(caller.role) >= ROLES.indexOf(requirement)) return
  throw refused(
    caller.kind === 'user'
      ? `This needs the role ${requirement} in the project ${caller.projectName}`
      : `The key does not have the scope ${requirement === 'viewer' ? 'read' : 'admin'}`,
  )
}

function refused(sentence: string): ApiError {
  return new ApiError(403, '42501', sentence)
}
