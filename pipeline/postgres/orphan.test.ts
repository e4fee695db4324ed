import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { it } from 'node:test'
import { isServerOf } from './orphan.ts'

it('takes no other program for the server, on any system', async () => {
  const folder = '/data/of a millrace/data'
  // What the arguments look like is all that counts.
  const server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', '-D', folder, '-c', 'x=y'])
  await once(server, 'spawn')
  for (const platform of ['linux', 'darwin'] as const) {
    if (platform === 'linux' && process.platform !== 'linux') continue
    assert.ok(isServerOf(server.pid!, folder, platform), platform)
    assert.ok(!isServerOf(server.pid!, '/data/of a millrace', platform), platform)
    for (const pid of [process.pid, 0, -process.pid, Number.NaN]) assert.ok(!isServerOf(pid, folder, platform))
  }
  server.kill('SIGKILL')
  await once(server, 'exit')
  assert.ok(!isServerOf(server.pid!, folder))
})
