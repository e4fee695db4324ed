/** The topology of telemetry: the one place where the stages meet. */
import { defineTopology } from '#pipeline/topology/topology.ts'
import { fingerprintErrors } from './fingerprint_errors/fingerprint_errors.stage.ts'
import { flattenAttributes } from './flatten_attributes/flatten_attributes.stage.ts'
import { normalize } from './normalize/normalize.stage.ts'

export const telemetry = defineTopology('telemetry', [normalize, flattenAttributes, fingerprintErrors])
