// `npm run new:stage <name>`: a transform with its test, ready to be changed.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'

const name = process.argv[2] ?? ''
if (!/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error('usage: npm run new:stage <name>   a verb in snake_case, like redact_emails')
  process.exit(2)
}
const symbol = name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
const file = `stages/${name}.ts`
if (existsSync(file)) {
  console.error(`${file} exists already`)
  process.exit(2)
}
mkdirSync('stages', { recursive: true })
writeFileSync(
  file,
  `import { defineTransform, keep, mapEvents } from 'millrace'

/** Says in one sentence what it does. */
export const ${symbol} = defineTransform({
  name: '${name}',
  build: () => mapEvents((event) => (event.get('level') === 'ERROR' ? keep({ 'attributes.${name}': true }) : keep())),
})
`,
)
writeFileSync(
  `stages/${name}.test.ts`,
  `import assert from 'node:assert/strict'
import { it } from 'node:test'
import { batchOf, describeTransform, driverOf, eventsOf } from 'millrace/testing'
import { ${symbol} } from './${name}.ts'

const batch = batchOf(0, { level: ['text', ['INFO', 'ERROR']] })

it('marks errors', () => {
  const [info, error] = eventsOf(driverOf(${symbol}).pipe(batch))
  assert.equal(info['attributes.${name}'], undefined)
  assert.equal(error['attributes.${name}'], true)
})

describeTransform(${symbol}, [batch])
`,
)
console.log(`${file} and its test are made: npx node --test stages/${name}.test.ts

Plug it in, in millrace.config.ts:

  import type { Topology } from 'millrace'
  import { ${symbol} } from './stages/${name}.ts'

  export default (telemetry: Topology) => telemetry.insert(${symbol}, { after: 'normalize' })`)
