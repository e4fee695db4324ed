/** Every route of the API. */
import type { Database } from '#pipeline/postgres/database.ts'
import type { DeadLetters } from '#schemas/dead_letters.ts'
import type { Directory, ProjectDirectory } from '#schemas/directory.ts'
import type { ProjectionReader } from '#schemas/projections.ts'
import type { QueryService } from '#schemas/query.ts'
import type { Replays } from '#schemas/replays.ts'
import type { Sessions } from '../directory/sessions.ts'
import { queryRoute } from '../query_route.ts'
import type { Oidc } from '../web/oidc.ts'
import { oidcRoutes } from '../web/oidc_route.ts'
import { sessionRoutes } from '../web/session_route.ts'
import type { Access } from './access.ts'
import { auditRoutes } from './audit_routes.ts'
import { deadLetterRoutes } from './dead_letter_routes.ts'
import { invitationRoutes } from './invitation_routes.ts'
import { keyRoutes } from './key_routes.ts'
import { memberRoutes } from './member_routes.ts'
import { type ProbeOptions, probeRoutes } from './probe_routes.ts'
import { projectRoutes } from './project_routes.ts'
import { projectionRoutes } from './projection_routes.ts'
import { replayRoutes } from './replay_routes.ts'
import type { Route } from './route.ts'
import { settingsRoutes } from './settings_routes.ts'
import { teamRoutes } from './team_routes.ts'
import { userRoutes } from './user_routes.ts'

export interface ApiOptions extends ProbeOptions {
  readonly database: Database
  readonly directory: Directory & ProjectDirectory
  readonly sessions: Sessions
  readonly access: Access
  readonly queries: QueryService
  readonly projections: ProjectionReader
  readonly deadLetters: DeadLetters
  readonly replays: Replays
  /** `null` where none is set up. */
  readonly oidc: Oidc | null
  /** Ports of the OTLP receiver. */
  readonly otlp: { readonly grpc: number; readonly http: number }
}

export function apiRoutes(options: ApiOptions): Route[] {
  const { database, queries, projections, deadLetters, replays } = options
  return [
    ...probeRoutes(options),
    queryRoute(queries),
    ...sessionRoutes(options),
    ...oidcRoutes(options),
    ...projectRoutes(database),
    ...keyRoutes(database),
    ...memberRoutes(database),
    ...invitationRoutes(database),
    ...userRoutes(database),
    ...teamRoutes(database),
    ...auditRoutes(database),
    ...settingsRoutes(database),
    ...projectionRoutes(projections),
    ...deadLetterRoutes(deadLetters),
    ...replayRoutes(replays, database),
  ]
}
