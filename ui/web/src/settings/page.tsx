/** Settings: of the project, its keys and people; for admins of the instance everything else, too. */
import { type Component, createEffect, createMemo, For, Show } from 'solid-js'
import { mayAs, session } from '../api/session.ts'
import { useKeys } from '../shell/keyboard.ts'
import { navigate, path } from '../shell/router.ts'
import { AccountTab } from './account_tab.tsx'
import { AuditTab } from './audit_tab.tsx'
import { InstanceTab } from './instance_tab.tsx'
import { KeysTab } from './keys_tab.tsx'
import { MembersTab } from './members_tab.tsx'
import { ProjectTab } from './project_tab.tsx'
import { ProjectsTab } from './projects_tab.tsx'
import { TeamsTab } from './teams_tab.tsx'
import { UsersTab } from './users_tab.tsx'
import '../style/settings.css'

interface Tab {
  readonly path: string
  readonly name: string
  readonly show: Component
  /** To whom; the server decides, this only does not offer what it would refuse. */
  readonly for: () => boolean
}

const TABS: readonly Tab[] = [
  { path: 'project', name: 'Project', show: ProjectTab, for: () => mayAs('viewer') },
  { path: 'keys', name: 'API keys', show: KeysTab, for: () => mayAs('admin') },
  { path: 'members', name: 'Members', show: MembersTab, for: () => mayAs('viewer') },
  { path: 'audit', name: 'Audit log', show: AuditTab, for: () => mayAs('admin') },
  { path: 'projects', name: 'All projects', show: ProjectsTab, for: () => mayAs('operator') },
  { path: 'users', name: 'Users', show: UsersTab, for: () => mayAs('operator') },
  { path: 'teams', name: 'Teams', show: TeamsTab, for: () => mayAs('operator') },
  { path: 'instance', name: 'Instance', show: InstanceTab, for: () => mayAs('operator') },
  { path: 'account', name: 'Your account', show: AccountTab, for: () => session()?.kind === 'user' },
]

export default function SettingsPage() {
  const tabs = createMemo(() => TABS.filter((tab) => tab.for()))
  const named = () => path().split('/')[2] ?? 'project'
  const current = createMemo(() => tabs().find((tab) => tab.path === named()))
  createEffect(() => {
    document.title = `${current()?.name ?? 'Settings'} · millrace`
  })
  const step = (by: number) => {
    const shown = current()
    const next = shown && tabs()[tabs().indexOf(shown) + by]
    if (next === undefined) return false
    navigate(`/settings/${next.path}`)
  }
  /** The first thing to fill in, where there is one. */
  const fill = () => {
    const field = document.querySelector<HTMLElement>('.settings form input')
    field?.focus()
    return field !== null
  }
  useKeys([
    { keys: ']', does: 'next tab', run: () => step(1) },
    { keys: '[', does: 'tab before', run: () => step(-1) },
    { keys: 'n', does: 'to the form: a new one, or a change', run: fill },
  ])

  return (
    <>
      <div class="bar">
        <h1>Settings</h1>
        <span class="q">
          of project <b class="hi">{session()?.project}</b>, you are {standing()}
        </span>
      </div>
      <nav class="tabs settings-tabs" aria-label="Settings">
        <For each={tabs()}>
          {(tab) => (
            <a
              href={`/settings/${tab.path}`}
              classList={{ on: tab === current() }}
              aria-current={tab === current() ? 'page' : undefined}
            >
              {tab.name}
            </a>
          )}
        </For>
      </nav>
      <div class="settings">
        <Show when={current()} fallback={<NotYours name={named()} />} keyed>
          {(tab) => <tab.show />}
        </Show>
      </div>
    </>
  )
}

function NotYours(props: { readonly name: string }) {
  return (
    <div class="empty">
      <h2>
        {TABS.some((tab) => tab.path === props.name)
          ? 'Your role in this project does not include this.'
          : `There are no settings called ${props.name}.`}
      </h2>
      <p>You are {standing()} here. Another admin of the project can give you more.</p>
    </div>
  )
}

function standing(): string {
  if (session()?.operator) return 'admin of the instance'
  return session()?.role ?? 'nothing'
}
