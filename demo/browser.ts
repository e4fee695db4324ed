/** Opens a page in the person's own browser. */
import { spawn } from 'node:child_process'

/** @returns the command that opens a page here, `null` where there is no display to open it on */
function opener(): string | null {
  if (process.platform === 'darwin') return 'open'
  if (process.platform === 'win32') return 'explorer'
  return (process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY) ? 'xdg-open' : null
}

/** @returns whether it could be done */
export function openBrowser(url: string): Promise<boolean> {
  const command = opener()
  if (command === null) return Promise.resolve(false)
  return new Promise((resolve) => {
    const child = spawn(command, [url], { stdio: 'ignore', detached: true })
    child.on('error', () => resolve(false))
    child.on('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
