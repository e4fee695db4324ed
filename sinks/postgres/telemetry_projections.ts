/** The projections of ours, in the order in which a flush writes them. */
import { ledger } from './ledger.ts'
import type { Projection } from './projection.ts'
import { serviceHours, services } from './services.ts'
import { usage } from './usage.ts'

export const TELEMETRY_PROJECTIONS: readonly Projection[] = [services, serviceHours, usage, ledger]
