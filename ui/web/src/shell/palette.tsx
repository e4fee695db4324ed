/** The command palette, on Ctrl K: pages, what can be done here with its keys, columns. */
import { createResource, createSignal, For, onCleanup, onMount, Show } from 'solid-js'
import { addedCommands, type Command, commandsLike, keyCommands } from './commands.ts'
import { shownKey } from './keys_dialog.tsx'
import { say } from './toast.tsx'

export default function Palette(props: { readonly close: () => void }) {
  const [typed, setTyped] = createSignal('')
  const [chosen, setChosen] = createSignal(0)
  const [added] = createResource(addedCommands)
  const keys = keyCommands()
  const commands = () => commandsLike(typed(), [...keys, ...(added.latest ?? [])])
  let dialog!: HTMLDialogElement
  onMount(() => {
    // Solid mounts the element with the component; a dialog is shown once it is in the document.
    dialog.showModal()
    onCleanup(() => dialog.close())
  })

  const run = (command: Command | undefined) => {
    if (command === undefined) return
    // The focus goes back to where it was: the command may be about it.
    dialog.close()
    if (command.run() === false) say(`“${command.name}” needs a selected row.`)
  }
  function key(event: KeyboardEvent): void {
    const last = commands().length - 1
    if (event.key === 'Enter') run(commands()[chosen()])
    else if (event.key === 'ArrowDown') setChosen(Math.min(last, chosen() + 1))
    else if (event.key === 'ArrowUp') setChosen(Math.max(0, chosen() - 1))
    else return
    event.preventDefault()
  }

  return (
    <dialog
      class="palette"
      ref={dialog}
      aria-label="Commands"
      onClose={() => props.close()}
      onClick={({ target }) => target === dialog && dialog.close()}
    >
      <input
        class="palette-input"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="palette-commands"
        aria-activedescendant={commands().length > 0 ? `command-${chosen()}` : undefined}
        placeholder="Go to a page, do something here, add a column"
        spellcheck={false}
        autocomplete="off"
        value={typed()}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value)
          setChosen(0)
        }}
        onKeyDown={key}
      />
      <div id="palette-commands" class="palette-list" role="listbox" aria-label="Commands">
        <For each={commands()}>
          {(command, at) => (
            <div
              class="palette-command"
              role="option"
              id={`command-${at()}`}
              tabindex={-1}
              aria-selected={at() === chosen()}
              onPointerMove={() => setChosen(at())}
              onClick={() => run(command)}
            >
              <span class="q">{command.group}</span>
              <span class="cut">{command.name}</span>
              <span class="palette-keys">
                <For each={command.keys?.split(' ') ?? []}>{(each) => <kbd class="kbd">{shownKey(each)}</kbd>}</For>
              </span>
            </div>
          )}
        </For>
      </div>
      <Show when={commands().length === 0}>
        <p class="palette-none" role="status">
          No command has “{typed()}”.
        </p>
      </Show>
    </dialog>
  )
}
