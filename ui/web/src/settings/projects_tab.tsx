/** Every project of the instance; making one. For its admins. */
import { createSignal, For, Show } from 'solid-js'
import type { ProjectAnswer } from '#ui/server/api/project_routes.ts'
import { createAction } from '../api/action.ts'
import { change } from '../api/call.ts'
import { createListed } from '../api/listed.ts'
import { session, switchProject } from '../api/session.ts'
import { bytes, count } from '../format/numbers.ts'
import { Failed, Field, ListFoot, Section, When } from './parts.tsx'

export function ProjectsTab() {
  const projects = createListed<ProjectAnswer>(() => '/v1/projects')
  const [name, setName] = createSignal('')
  const making = createAction()
  const switching = createAction()

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    await making.run(async () => {
      const { name: made } = await change<ProjectAnswer>('POST', '/v1/projects', { name: name().trim() })
      await switchProject(made, '/settings/keys')
    })
  }
  return (
    <>
      <Section title="New project" note="Data, keys, members and quotas of its own. You go to its keys next.">
        <form class="set-form line" onSubmit={submit}>
          <Field label="Name" value={name()} set={setName} data required placeholder="shop" />
          <button type="submit" class="btn primary" disabled={making.busy() || name().trim() === ''}>
            Make the project
          </button>
        </form>
        <Failed action={making} />
      </Section>
      <Section title="All projects">
        <table class="set-table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Kept</th>
              <th class="num">Events a day</th>
              <th class="num">Bytes a day</th>
              <th>Made, UTC</th>
            </tr>
          </thead>
          <tbody>
            <For each={projects.items() ?? []}>
              {(project) => (
                <tr>
                  <td>
                    <button
                      type="button"
                      class="link hi"
                      onClick={() => void switching.run(() => switchProject(project.name, '/settings/project'))}
                    >
                      {project.name}
                    </button>{' '}
                    <Show when={project.name === session()?.project}>
                      <span class="badge">shown</span>
                    </Show>
                  </td>
                  <td class="q2">
                    {project.retention_days === null ? 'for ever' : `${count(project.retention_days)} days`}
                  </td>
                  <td class="num q2">{project.events_per_day === null ? 'no limit' : count(project.events_per_day)}</td>
                  <td class="num q2">{project.bytes_per_day === null ? 'no limit' : bytes(project.bytes_per_day)}</td>
                  <td class="q2">
                    <When at={project.created_at} />
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <Failed action={switching} />
        <ListFoot list={projects} />
      </Section>
    </>
  )
}
