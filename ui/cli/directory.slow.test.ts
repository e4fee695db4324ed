/** Projects, keys and users as a person at the terminal has them: against a millrace that runs. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startServer, TEST_KEY, type TestServer } from '../../end_to_end/server.ts'
import { type Ended, millrace as runMillrace } from '../../end_to_end/testing/command_line.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server.stop())

const millrace = (args: readonly string[], env?: Record<string, string>): Promise<Ended> =>
  runMillrace(server.dataDir, args, env)

async function done(...args: string[]): Promise<Ended> {
  const ended = await millrace(args)
  assert.equal(ended.code, 0, ended.stderr)
  return ended
}

async function session(body: object): Promise<{ status: number; answer: { role?: string; project?: string } }> {
  const response = await fetch(`${server.httpUrl}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, answer: (await response.json()) as object }
}

describe('millrace', () => {
  it('project create, set, list, delete', async () => {
    await done('project', 'create', 'shop', '--retention-days', '30')
    await done('project', 'set', 'shop', '--events-per-day', '1000', '--retention-days', 'none', '--name', 'store')
    assert.match((await done('project', 'list')).stdout, /store +[0-9a-f-]{36} +∅ +1000 +∅/)
    await done('project', 'delete', 'store')
    assert.doesNotMatch((await done('project', 'list')).stdout, /store/)
  })

  it('key add, list, revoke', async () => {
    const { stdout, stderr } = await done('key', 'add', '--name', 'ci', '--scopes', 'read')
    const key = stdout.trim()
    assert.equal((await session({ key })).status, 200)
    const [, id] = /id (\S+),/.exec(stderr)!
    const list = (await done('key', 'list')).stdout
    assert.match(list, new RegExp(`${id} +ci +read`))
    assert.ok(!list.includes(key.slice(3)))
    await done('key', 'revoke', id)
    assert.equal((await session({ key })).status, 401)
  })

  it('user add gives a first admin, and disable takes them out', async () => {
    const { stdout } = await done('user', 'add', 'Ada@example.com', '--role', 'admin')
    const credentials = { email: 'ada@example.com', password: stdout.trim() }
    const { status, answer } = await session(credentials)
    assert.deepEqual([status, answer.role, answer.project], [200, 'admin', 'default'])
    assert.match((await done('user', 'list')).stdout, /ada@example\.com/)
    await done('user', 'disable', 'ada@example.com')
    assert.equal((await session(credentials)).status, 401)
  })

  it('invite gives a link', async () => {
    const { stdout } = await done('invite', 'bob@example.com', '--role', 'editor')
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/invite#[\w-]{43}\n$/)
  })

  it('says what the server says, and asks another one with a key', async () => {
    for (const [args, sentence] of [
      [['project', 'create', 'default'], /there is a project default already/],
      [['key', 'add', '--project', 'nowhere'], /there is no project nowhere/],
    ] as const) {
      const { code, stderr } = await millrace(args)
      assert.equal(code, 2)
      assert.match(stderr, sentence)
    }
    const elsewhere = mkdtempSync(join(tmpdir(), 'millrace-elsewhere-'))
    try {
      const env = { MILLRACE_DATA_DIR: elsewhere, MILLRACE_API_KEY: TEST_KEY }
      assert.match((await millrace(['key', 'list'], env)).stderr, /no millrace runs on/)
      assert.equal((await millrace(['key', 'list', '--url', server.httpUrl], env)).code, 0)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })
})
