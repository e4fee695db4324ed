import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { configured } from './config.ts'

/** Inside the project, so that `millrace` is found by its name. */
function folderWith(config: string): string {
  const folder = mkdtempSync(join(import.meta.dirname, '.config-test-'))
  after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'millrace.config.ts'), config)
  return folder
}

describe('millrace.config.ts', () => {
  it('need not be there', async () => {
    assert.equal(await configured(telemetry, import.meta.dirname), telemetry)
  })

  for (const [fault, config, message] of [
    ['does not compile', 'export default (', /millrace\.config\.ts: /],
    ['exports nothing', 'export const topology = 1', /default export is not a function/],
    ['gives nothing back', 'export default () => {}', /forget to return topology\.insert/],
  ] as const) {
    it(`is refused where it ${fault}`, async () => {
      const folder = folderWith(config)
      await assert.rejects(configured(telemetry, folder), { name: 'OperatorError', message })
    })
  }

  it('changes the topology', async () => {
    const folder = folderWith(`
      import { defineTransform, mapBatch, type Topology } from 'millrace'
      const mine = defineTransform({ name: 'mine', build: () => mapBatch((batch) => batch) })
      export default (telemetry: Topology) => telemetry.insert(mine, { after: 'normalize' })`)
    const { stages } = await configured(telemetry, folder)
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['normalize', 'mine', 'flatten_attributes', 'fingerprint_errors'],
    )
  })
})
