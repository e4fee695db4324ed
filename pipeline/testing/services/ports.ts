/** Ports for servers that go away and come back. */
import { createServer } from 'node:net'

/**
 * Below 32768 the system gives no port to anybody's outgoing connection (ip_local_port_range): nobody takes a port while
 * its server is down, and a client that tries again and again does not end up connected to itself.
 */
const FIRST = 15_000
const LAST = 32_000

/** @returns different TCP ports that nobody listens on, of the loopback interface */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

/** Whether nobody listens on the port of the loopback interface. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
