/** The page: whoever is not signed in sees the door, everybody else the shell around one page. */
import { createEffect, createSignal, lazy, Match, onMount, Show, Switch } from 'solid-js'
import type { Problem } from './api/problem.ts'
import { readSession, session } from './api/session.ts'
import { EventsPage } from './events/page.tsx'
import { navigate, path } from './shell/router.ts'
import { Shell } from './shell/shell.tsx'
import { SignIn } from './shell/sign_in.tsx'

const PipelinePage = lazy(() => import('./pipeline/page.tsx'))
const TracesPage = lazy(() => import('./traces/page.tsx'))
const TracePage = lazy(() => import('./trace/page.tsx'))
const SqlPage = lazy(() => import('./sql/page.tsx'))
const ServicesPage = lazy(() => import('./services/page.tsx'))
const LedgerPage = lazy(() => import('./ledger/page.tsx'))
const DeadLettersPage = lazy(() => import('./dead_letters/page.tsx'))
const ReplayPage = lazy(() => import('./replay/page.tsx'))
const SettingsPage = lazy(() => import('./settings/page.tsx'))
const InvitePage = lazy(() => import('./shell/invite.tsx'))

export function App() {
  const [unreachable, setUnreachable] = createSignal<string | null>(null)
  const read = () =>
    readSession().then(
      () => setUnreachable(null),
      (error: Problem) => setUnreachable(error.message),
    )
  onMount(() => void read())

  return (
    <Switch>
      <Match when={unreachable()}>
        <main class="door">
          <p>{unreachable()}</p>
          <button type="button" class="btn" onClick={read}>
            Try again
          </button>
        </main>
      </Match>
      <Match when={path() === '/invite'}>
        <InvitePage />
      </Match>
      <Match when={session() === null}>
        <SignIn />
      </Match>
      <Match when={session()}>
        <Shell>
          <Pages />
        </Shell>
      </Match>
    </Switch>
  )
}

function Pages() {
  createEffect(() => {
    if (path() === '/') navigate('/events')
  })
  return (
    <Switch fallback={<Nowhere />}>
      <Match when={path() === '/' || path() === '/events'}>
        <EventsPage />
      </Match>
      <Match when={path() === '/traces'}>
        <TracesPage />
      </Match>
      <Match when={path() === '/pipeline'}>
        <PipelinePage />
      </Match>
      <Match when={path() === '/sql'}>
        <SqlPage />
      </Match>
      <Match when={path() === '/services'}>
        <ServicesPage />
      </Match>
      <Match when={path() === '/ledger'}>
        <LedgerPage />
      </Match>
      <Match when={path() === '/dead-letters'}>
        <DeadLettersPage />
      </Match>
      <Match when={path() === '/replay'}>
        <ReplayPage />
      </Match>
      <Match when={/^\/settings(\/[a-z]+)?$/.test(path())}>
        <SettingsPage />
      </Match>
      <Match when={/^\/trace\/[^/]+$/.test(path())}>
        <Show when={decodeURIComponent(path().slice('/trace/'.length))} keyed>
          {(id) => <TracePage id={id} />}
        </Show>
      </Match>
    </Switch>
  )
}

function Nowhere() {
  return (
    <div class="empty">
      <h1>There is no page {path()}</h1>
      <a class="btn" href="/events">
        To the events
      </a>
    </div>
  )
}
