import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { describe as describeTopology, mermaid } from '#pipeline/topology/describe.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import { telemetry } from './telemetry.topology.ts'

it('the picture in the README is the topology', () => {
  const sinks = ['lake', 'postgres'].map((name) => ({
    name,
    consumes: telemetryEvents,
    open: async () => assert.fail(),
  }))
  const picture = mermaid(describeTopology(telemetry.withSinks(sinks)))
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(`\`\`\`mermaid\n${picture}\`\`\``), `the README should show:\n${picture}`)
})
