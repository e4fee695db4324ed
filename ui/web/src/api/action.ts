/** Something a person does to the server: whether it is on its way, and why it failed, in place. */
import { type Accessor, createSignal } from 'solid-js'

export interface Action {
  readonly busy: Accessor<boolean>
  readonly problem: Accessor<string | null>
  /** @returns whether it was done */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>
  readonly forget: () => void
}

export function createAction(): Action {
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<string | null>(null)
  return {
    ...{ busy, problem },
    async run(work) {
      if (busy()) return false
      setBusy(true)
      setProblem(null)
      try {
        await work()
        return true
      } catch (error) {
        setProblem((error as Error).message)
        return false
      } finally {
        setBusy(false)
      }
    },
    forget: () => setProblem(null),
  }
}
