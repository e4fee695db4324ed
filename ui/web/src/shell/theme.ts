/** Dark or light: follows the system until chosen. `public/theme.js` sets it before the first paint. */
import { createSignal } from 'solid-js'

export type Theme = 'dark' | 'light'

const system = matchMedia('(prefers-color-scheme: light)')
const [theme, setTheme] = createSignal<Theme>(document.documentElement.dataset.theme === 'light' ? 'light' : 'dark')

export { theme }

function show(next: Theme): void {
  document.documentElement.dataset.theme = next
  setTheme(next)
}

export function toggleTheme(): void {
  const next = theme() === 'dark' ? 'light' : 'dark'
  localStorage.setItem('theme', next)
  show(next)
}

system.addEventListener('change', () => {
  if (localStorage.getItem('theme') === null) show(system.matches ? 'light' : 'dark')
})
