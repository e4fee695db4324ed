/** The attacks of the query role's own tests, by this door. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LOOSENINGS, OTHERS, readsElsewhere } from '../query/testing/hostile.ts'
import { KEY } from './testing/directory.ts'
import { startTestServer, type TestServer } from './testing/server.ts'
import { WireClient } from './testing/wire_client.ts'

describe('the walls, over the wire', () => {
  let test: TestServer
  before(async () => {
    test = await startTestServer()
  })
  after(() => test.close())

  it('hostile statements are refused, prepared or not', async () => {
    const client = await WireClient.open(test.port, 'default', KEY)
    const targets = { file: '/etc/passwd', own: '/etc/hostname', folder: '/etc', out: '/tmp/stolen' }
    // What a PostgreSQL client may ask of its session and of the catalog.
    const fine =
      /^(|;|SELECT 1; SELECT 2|BEGIN|SHOW TABLES|SHOW ALL TABLES|SELECT \* FROM (information_schema\.tables|pg_catalog\.pg_class))$/
    const settings = /^(SET|RESET) /
    for (const sql of [...readsElsewhere(targets), ...LOOSENINGS, ...OTHERS]) {
      if (fine.test(sql) || settings.test(sql) || /set_config|current_setting/.test(sql)) continue
      client.query(sql)
      const simple = await client.untilReady()
      assert.ok(simple.errors.length > 0, sql)
      assert.ok(['42', '0A', '22'].includes(simple.errors.at(-1)!.C.slice(0, 2)), `${sql}: ${simple.errors.at(-1)!.M}`)
      client.parse(sql)
      client.bind()
      client.execute()
      client.sync()
      assert.equal((await client.untilReady()).letters, 'EZ', sql)
    }
    client.close()
  })

  it('settings of a session are not those of DuckDB', async () => {
    const client = await WireClient.open(test.port, 'default', KEY)
    for (const sql of LOOSENINGS) {
      client.query(sql)
      await client.untilReady()
    }
    client.query("SELECT * FROM '/etc/passwd'")
    assert.equal((await client.untilReady()).errors[0].C, '42P01')
    client.query('SELECT count(*) FROM otel_logs_and_spans')
    assert.equal((await client.untilReady()).rows.length, 1)
    client.close()
  })
})
