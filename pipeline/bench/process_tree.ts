/** CPU and memory of a process and all below it, from outside: `/proc` (Linux, proc(5)). */
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** User and system time so far, of those alive. */
export function cpuSeconds(root: number): number {
  const seconds = (field: readonly string[]) => (Number(field[11]) + Number(field[12])) / TICKS_PER_SECOND
  return [...tree(root).values()].reduce((sum, field) => sum + seconds(field), 0)
}

/** Resident memory; a page that processes share counts once (PSS): PostgreSQL's have their buffers in common. */
export function residentBytes(root: number): number {
  let bytes = 0
  for (const pid of tree(root).keys()) {
    try {
      const [, kib] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))!
      bytes += Number(kib) * 1024
    } catch {
      // It has ended since.
    }
  }
  return bytes
}

/** Processes below it, by pid. */
export function childrenOf(root: number): readonly number[] {
  return [...tree(root).keys()].filter((pid) => pid !== root)
}

/**
 * The process and all below it, by pid: fields of /proc/<pid>/stat from the third on (0 is the state, 1 the parent).
 */
function tree(root: number): Map<number, string[]> {
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
  return new Map(found.flatMap((pid) => (all.has(pid) ? [[pid, all.get(pid)!]] : [])))
}
