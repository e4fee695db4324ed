/** What stands around every page: navigation, status line, and the keys that work everywhere. */
import { createSignal, For, type JSX, lazy, onCleanup, Show } from 'solid-js'
import { watchLedger } from '../api/account.ts'
import { mayAs, signOut, watchSession } from '../api/session.ts'
import { watchTopology } from '../api/topology.ts'
import { Icon, type IconName, Logo } from './icons.tsx'
import { useKeys } from './keyboard.ts'
import { KeysDialog, showKeys } from './keys_dialog.tsx'
import { ProjectMenu } from './project_menu.tsx'
import { navigate, path } from './router.ts'
import { StatusLine } from './status_line.tsx'
import { theme, toggleTheme } from './theme.ts'
import { Toast } from './toast.tsx'

const Palette = lazy(() => import('./palette.tsx'))

interface Page {
  readonly path: string
  readonly name: string
  readonly icon: IconName
  readonly keys: string
  /** Loads its code: asked for when the pointer comes near. */
  readonly preload?: () => Promise<unknown>
}

const PAGES: readonly Page[] = [
  { path: '/events', name: 'Events', icon: 'events', keys: 'g l' },
  { path: '/traces', name: 'Traces', icon: 'traces', keys: 'g t', preload: () => import('../traces/page.tsx') },
  { path: '/sql', name: 'SQL', icon: 'sql', keys: 'g s', preload: () => import('../sql/page.tsx') },
  { path: '/pipeline', name: 'Pipeline', icon: 'pipeline', keys: 'g p', preload: () => import('../pipeline/page.tsx') },
  { path: '/services', name: 'Services', icon: 'services', keys: 'g v', preload: () => import('../services/page.tsx') },
  { path: '/ledger', name: 'Ledger', icon: 'ledger', keys: 'g b', preload: () => import('../ledger/page.tsx') },
  {
    ...{ path: '/dead-letters', name: 'Dead letters', icon: 'dead_letters', keys: 'g q' },
    preload: () => import('../dead_letters/page.tsx'),
  },
]

/** Of the instance: for its admins. */
const REPLAY: Page = {
  ...{ path: '/replay', name: 'Replay', icon: 'replay', keys: 'g y' },
  preload: () => import('../replay/page.tsx'),
}

/** Stands apart, above the commands. */
const SETTINGS: Page = {
  ...{ path: '/settings', name: 'Settings', icon: 'settings', keys: 'g ,' },
  preload: () => import('../settings/page.tsx'),
}

export function Shell(props: { readonly children: JSX.Element }) {
  onCleanup(watchTopology())
  onCleanup(watchLedger())
  onCleanup(watchSession())
  const [commands, setCommands] = createSignal(false)
  const pages = () => (mayAs('operator') ? [...PAGES, REPLAY] : PAGES)
  useKeys([
    ...[...pages(), SETTINGS].map((page) => ({ keys: page.keys, does: page.name, run: () => navigate(page.path) })),
    { keys: 'g d', does: 'dark or light', run: toggleTheme },
    { keys: 'Ctrl+k', does: 'commands', run: () => void setCommands(true) },
    { keys: '?', does: 'all keys', run: showKeys },
  ])
  return (
    <div class="app" onClick={followLink}>
      <a class="skip-link" href="#main">
        To the content
      </a>
      <nav class="nav" aria-label="Main">
        <div class="brand">
          <Logo />
          <span class="label">millrace</span>
        </div>
        <ProjectMenu />
        <For each={pages()}>{(page) => <NavLink page={page} />}</For>
        <span class="gap" />
        <NavLink page={SETTINGS} />
        <button type="button" class="nav-item" onClick={() => setCommands(true)} title="Commands">
          <Icon name="search" />
          <span class="label">Commands</span>
          <kbd class="kbd">{isMac ? '⌘' : 'Ctrl'} K</kbd>
        </button>
        <button type="button" class="nav-item" onClick={showKeys} title="Keys">
          <Icon name="keys" />
          <span class="label">Keys</span>
          <kbd class="kbd">?</kbd>
        </button>
        <button type="button" class="nav-item" onClick={toggleTheme} title={theme() === 'dark' ? 'Light' : 'Dark'}>
          <Icon name="theme" />
          <span class="label">{theme() === 'dark' ? 'Light' : 'Dark'}</span>
        </button>
        <button type="button" class="nav-item" onClick={() => void signOut()} title="Sign out">
          <Icon name="door" />
          <span class="label">Sign out</span>
        </button>
      </nav>
      <main class="main" id="main" tabindex="-1">
        {props.children}
      </main>
      <StatusLine />
      <Toast />
      <KeysDialog />
      <Show when={commands()}>
        <Palette close={() => setCommands(false)} />
      </Show>
    </div>
  )
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

function NavLink(props: { readonly page: Page }) {
  const current = () =>
    path() === props.page.path ||
    path().startsWith(`${props.page.path}/`) ||
    (props.page.path === '/traces' && path().startsWith('/trace/'))
  return (
    <a
      class="nav-item"
      href={props.page.path}
      title={props.page.name}
      aria-current={current() ? 'page' : undefined}
      onPointerEnter={() => void props.page.preload?.()}
    >
      <Icon name={props.page.icon} />
      <span class="label">{props.page.name}</span>
      <Show when={!current()}>
        <kbd class="kbd hover-only">{props.page.keys}</kbd>
      </Show>
    </a>
  )
}

/** Links of the page change the place without loading it again; the browser keeps its own ways (new tab, download). */
function followLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || event.defaultPrevented || event.button !== 0) return
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  if (link.origin !== location.origin || link.target !== '' || link.getAttribute('href')!.startsWith('#')) return
  event.preventDefault()
  navigate(link.href)
}
