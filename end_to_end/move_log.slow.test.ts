/** From the embedded log to Kafka with data in flight and a stage that remembers: nothing is lost, nothing comes twice. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { servicesMissing } from '#pipeline/testing/services/artifacts.ts'
import { startKafka } from '#pipeline/testing/services/kafka.ts'
import { startRegistry } from '#pipeline/testing/services/registry.ts'
import { until } from '#pipeline/testing/until.ts'
import { startServer } from './server.ts'
import { millrace } from './testing/command_line.ts'
import { configFolder } from './testing/config_folder.ts'
import { COUNT, countOf, exportOf, ledgerOf, send } from './testing/orders.ts'

/** Numbers events one after the other, over restarts. */
const CONFIG = `
import { columnOf, defineTransform, jsonState, stateful, withColumns } from 'millrace'
const number = defineTransform({
  name: 'number_events',
  build: (_, context) => stateful(context, {
    initial: () => ({ next: 0 }),
    snapshot: jsonState(),
    step: (state, batch) => {
      const numbers = Array.from({ length: batch.eventCount }, () => BigInt(state.next++))
      return withColumns(batch, [['attributes.number', columnOf('long', numbers)]])
    },
  }),
})
export default (telemetry) => telemetry.insert(number, { after: 'flatten_attributes' })`

it('takes everything along', { skip: servicesMissing(), timeout: 180_000 }, async (t) => {
  const folder = configFolder(CONFIG)
  const dataDir = join(folder, 'data')
  const [kafka, registry] = await Promise.all([startKafka(), startRegistry()])
  t.after(async () => {
    await Promise.all([kafka.close(), registry.close()])
    rmSync(folder, { recursive: true, force: true })
  })
  const env = {
    MILLRACE_LOG: `kafka://${kafka.brokers.join(',')}`,
    MILLRACE_SCHEMA_REGISTRY_URL: registry.url,
    MILLRACE_PARTITIONS: '1',
  }
  const move = () => millrace(dataDir, ['log', 'move'], env, folder)

  const nothing = await move()
  assert.equal(nothing.code, 2, nothing.stdout)
  // It takes in alone, so that all of it is on its way.
  const receiver = await startServer({ dataDir, cwd: folder, args: ['--roles', 'receive'] })
  for (let first = 0; first < 300; first += 50) await send(receiver, exportOf(first))
  assert.match((await move()).stderr, /in use by process/)
  assert.equal(await receiver.stop(), 0)

  const moved = await move()
  assert.equal(moved.code, 0, moved.stderr)
  assert.match(
    moved.stdout,
    /0 records are on their way\n.*state of 1 partitions.*\n.*Everything that was received is stored/,
  )

  const server = await startServer({ dataDir, cwd: folder, env })
  t.after(() => server.stop('SIGKILL'))
  assert.deepEqual(await countOf(server), [300, 300])
  for (let first = 300; first < 500; first += 50) await send(server, exportOf(first))
  await until(async () => (await server.query(COUNT))[0][0] === 500)
  assert.deepEqual(await countOf(server), [500, 500])
  const numbers =
    "select count(distinct attributes->>'number'), max((attributes->>'number')::int) from otel_logs_and_spans"
  assert.deepEqual((await server.query(numbers))[0].map(Number), [500, 499], 'the stage goes on where it was')
  await until(async () => (await ledgerOf(server)).in_flight === 0)
  const { received, stored } = (await ledgerOf(server)) as unknown as { received: number; stored: number }
  assert.deepEqual([received, stored], [500, 500])
  assert.equal(await server.stop(), 0)
  assert.match((await move()).stderr, /has taken in data already/)
})
