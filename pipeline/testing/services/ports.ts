/** Ports for servers that go away and come back. */
import { createServer } from 'node:net'

/**
 * Below 32768 the system gives no port to anybody's outgoing connection (ip_local_port_range): nobody takes a port while
 * its server is down, and a client that tries again and again does not end up connected to itself.
 */
const FIRST = 15_000
const LAST = 32_000
/** Processes that run at the same time begin here apart: a port is free until its server listens, seconds later. */
const APART = 40

let next = FIRST + ((process.pid * APART) % (LAST - FIRST))

/** @returns TCP ports of the loopback interface that nobody listens on, other ones each time */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = next
    next = port + 1 < LAST ? port + 1 : FIRST
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** Whether nobody listens on the port of the loopback interface. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
