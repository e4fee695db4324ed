import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/** Waits for a condition that nothing announces; the test's own time limit is the bound. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(POLL_MS)
}
