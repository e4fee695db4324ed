import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { it } from 'node:test'
import { freePorts, isFree } from './ports.ts'

it('free ports are others each time, nobody listens on them, and no outgoing connection is given one', async () => {
  const first = await freePorts(3)
  const server = createServer().listen(first[2] + 1, '127.0.0.1')
  await once(server, 'listening')
  assert.ok(!(await isFree(first[2] + 1)))
  const ports = [...first, ...(await freePorts(3))]
  server.close()
  assert.equal(new Set(ports).size, 6)
  for (const port of ports) assert.ok(port !== first[2] + 1 && port >= 15_000 && port < 32_768, String(port))
})
