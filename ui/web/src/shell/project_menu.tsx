/** Which project is looked at, and the others one may see: `g x`, or the name in the navigation. */
import { createMemo, createSignal, For, Show } from 'solid-js'
import { createAction } from '../api/action.ts'
import { mayAs, session, switchProject } from '../api/session.ts'
import { useCommands } from './commands.ts'
import { Icon } from './icons.tsx'
import { useKeys } from './keyboard.ts'
import { navigate } from './router.ts'

/** As many as fit; typing finds the others. */
const SHOWN = 12

export function ProjectMenu() {
  const [open, setOpen] = createSignal(false)
  const [typed, setTyped] = createSignal('')
  const [chosen, setChosen] = createSignal(0)
  const { problem, run, forget } = createAction()
  let menu!: HTMLDialogElement
  const projects = () => session()?.projects ?? []
  const found = createMemo(() => projects().filter(({ name }) => name.includes(typed().trim().toLowerCase())))
  const shown = () => found().slice(0, SHOWN)

  const show = () => {
    setTyped('')
    setChosen(
      Math.max(
        0,
        shown().findIndex(({ name }) => name === session()?.project),
      ),
    )
    forget()
    setOpen(true)
    menu.showModal()
  }
  const close = () => menu.close()
  const look = (project: string | undefined) => {
    if (project === undefined) return
    if (project === session()?.project) close()
    else void run(() => switchProject(project))
  }
  function key(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') setChosen(Math.min(shown().length - 1, chosen() + 1))
    else if (event.key === 'ArrowUp') setChosen(Math.max(0, chosen() - 1))
    else if (event.key === 'Enter') look(shown()[chosen()]?.name)
    else return
    event.preventDefault()
  }
  useKeys([{ keys: 'g x', does: 'another project', run: show }])
  useCommands(async () =>
    projects()
      .filter(({ name }) => name !== session()?.project)
      .map(({ name }) => ({ group: 'Project', name, run: () => void run(() => switchProject(name)) })),
  )

  return (
    <div class="project-place">
      <button
        type="button"
        class="project"
        title={`Project ${session()?.project}: another one (g x)`}
        aria-label={`Project ${session()?.project}`}
        aria-haspopup="dialog"
        aria-expanded={open()}
        onClick={show}
      >
        <span class="project-initial" aria-hidden="true">
          {session()?.project.slice(0, 2)}
        </span>
        <span class="cut grow project-name">{session()?.project}</span>
        <Icon name="chevron" />
      </button>
      <dialog
        class="project-menu"
        ref={menu}
        aria-label="Projects"
        onClose={() => setOpen(false)}
        onClick={({ target }) => target === menu && close()}
      >
        <input
          class="palette-input"
          role="combobox"
          aria-label="Project"
          aria-expanded={open()}
          aria-controls="project-list"
          aria-activedescendant={open() && shown().length > 0 ? `project-${chosen()}` : undefined}
          placeholder={`${projects().length} ${projects().length === 1 ? 'project' : 'projects'}, type to find`}
          spellcheck={false}
          autocomplete="off"
          value={typed()}
          onInput={({ currentTarget }) => {
            setTyped(currentTarget.value)
            setChosen(0)
          }}
          onKeyDown={key}
        />
        <div id="project-list" class="palette-list" role="listbox" aria-label="Projects">
          <For each={shown()}>
            {(project, at) => (
              <div
                class="project-line"
                role="option"
                id={`project-${at()}`}
                tabindex={-1}
                aria-selected={at() === chosen()}
                onPointerMove={() => setChosen(at())}
                onClick={() => look(project.name)}
              >
                <span class="cut">{project.name}</span>
                <span class="q">{project.name === session()?.project ? 'shown' : project.role}</span>
              </div>
            )}
          </For>
        </div>
        <Show when={found().length > SHOWN}>
          <p class="palette-none">{found().length - SHOWN} more: type to find them.</p>
        </Show>
        <Show when={found().length === 0}>
          <p class="palette-none" role="status">
            None of your projects has “{typed()}”.
          </p>
        </Show>
        <Show when={problem()}>
          {(text) => (
            <p class="palette-none err" role="alert">
              {text()}
            </p>
          )}
        </Show>
        <Show when={mayAs('operator')}>
          <button
            type="button"
            class="project-new"
            onClick={() => {
              close()
              navigate('/settings/projects')
            }}
          >
            All projects, make a new one
          </button>
        </Show>
      </dialog>
    </div>
  )
}
