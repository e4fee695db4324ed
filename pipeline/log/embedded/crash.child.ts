/** Appends without end and says what was acknowledged, until it is killed. Run by `crash.slow.test.ts`. */
import { createEmbeddedLog } from './embedded.ts'
import { record } from './testing.ts'

const log = await createEmbeddedLog({ directory: process.argv[2], segmentBytes: 200_000, warn: () => {} })

async function appendForEver(writer: number): Promise<never> {
  for (let i = 0; ; i++) {
    const value = `${process.pid}:${writer}:${i}:`.padEnd(100 + ((i * 7919) % 20_000), 'x')
    const [offset] = await log.append([record(value)])
    process.send!({ offset, value })
  }
}

await Promise.all([0, 1, 2, 3].map(appendForEver))
