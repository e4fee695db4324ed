/** At the top right of a drawer: on to the thing before or after, and out. Their keys are the page's. */
import { Icon } from './icons.tsx'

export function DrawerButtons(props: {
  /** For who cannot see them. */
  readonly before: string
  readonly next: string
  readonly move: (by: number) => void
  readonly close: () => void
}) {
  return (
    <>
      <button type="button" class="icon-btn" aria-label={props.before} title="k" onClick={() => props.move(-1)}>
        <kbd class="kbd">k</kbd>
      </button>
      <button type="button" class="icon-btn" aria-label={props.next} title="j" onClick={() => props.move(1)}>
        <kbd class="kbd">j</kbd>
      </button>
      <button type="button" class="icon-btn" aria-label="Close" title="Esc" onClick={() => props.close()}>
        <Icon name="close" />
      </button>
    </>
  )
}
