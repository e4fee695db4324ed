/** Figures that hold on a machine that has other work, too: what others do on the same cores must not fail a test. */

/** CPU time of this thread while `work` runs, ms: unlike a clock it stands still while others have the core. */
export function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/**
 * The smallest of up to `tries` measurements, ms; no more are made once one is within `limitMs`. For figures that include
 * waiting, where one slow try may be the machine's doing and three are ours.
 */
export async function fastestMs(tries: number, limitMs: number, measure: () => Promise<number>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY
  for (let at = 0; at < tries && fastest > limitMs; at++) fastest = Math.min(fastest, await measure())
  return fastest
}
