/** Whether a process is what `postmaster.pid` says: its pid may have been given to another program meanwhile. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** @param pid as in the file, which a crash may have left empty: 0 and less would be groups of processes */
export function isServerOf(pid: number, dataFolder: string, platform: NodeJS.Platform = process.platform): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    if (platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataFolder)
    return ` ${execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)])} `.includes(` -D ${dataFolder} `)
  } catch {
    return false
  }
}
