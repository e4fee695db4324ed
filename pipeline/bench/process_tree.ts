/** CPU and memory of a process and all below it, from outside: `/proc` (Linux, proc(5)). */
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** User and system time so far, of those alive. */
export function cpuSeconds(root: number): number {
  return fields(root).reduce((sum, field) => sum + (Number(field[11]) + Number(field[12])) / TICKS_PER_SECOND, 0)
}

/** Resident memory; pages that processes share count in each. */
export function residentBytes(root: number): number {
  return fields(root).reduce((sum, field) => sum + Number(field[21]) * PAGE_BYTES, 0)
}

/** Fields of /proc/<pid>/stat from the third on (0 is the state, 1 the parent), for the process and all below it. */
function fields(root: number): string[][] {
  const all = new Map<number, string[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8')
      all.set(Number(name), text.slice(text.lastIndexOf(')') + 2).split(' '))
    } catch {
      // It has ended since the folder was read.
    }
  }
  const found = [root]
  for (let at = 0; at < found.length; at++) {
    for (const [pid, field] of all) if (Number(field[1]) === found[at]) found.push(pid)
  }
  return found.flatMap((pid) => (all.has(pid) ? [all.get(pid)!] : []))
}
