/** What operators and their machines look at: `/healthz`, `/readyz`, `/metrics`, `/v1/topology`. */
import { z } from 'zod'
import { type MetricFamily, PROMETHEUS_CONTENT_TYPE, prometheusText } from '#pipeline/observability/prometheus.ts'
import { projectQuery } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

export interface ProbeOptions {
  /** Why we are not ready; empty when we are. */
  readonly notReady: () => readonly string[]
  readonly metrics: () => Promise<readonly MetricFamily[]>
  readonly topology: () => Promise<unknown>
}

const readiness = z.object({ status: z.enum(['ready', 'not ready']), reasons: z.array(z.string()) })

export function probeRoutes({ notReady, metrics, topology }: ProbeOptions): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/healthz',
      summary: 'Whether the process answers.',
      access: 'public',
      answers: { 200: z.object({ status: z.literal('alive') }) },
      handle: async () => ({ status: 'alive' }),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      summary: 'Whether all of it works, and if not why.',
      access: 'public',
      answers: { 200: readiness, 503: readiness },
      async handle({ reply }) {
        const reasons = notReady()
        if (reasons.length > 0) reply.code(503)
        return { status: reasons.length === 0 ? 'ready' : 'not ready', reasons }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      summary: 'What is counted, for Prometheus.',
      access: 'public',
      answers: { 200: z.string() },
      contentType: PROMETHEUS_CONTENT_TYPE,
      handle: async () => prometheusText(await metrics()),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/topology',
      summary: 'Stages, topics and sinks, with rates and lag.',
      access: 'viewer',
      query: projectQuery,
      answers: { 200: z.unknown() },
      handle: () => topology(),
    }),
  ]
}
