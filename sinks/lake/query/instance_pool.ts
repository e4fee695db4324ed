/** One DuckDB a project, for the projects queried last. */
import type { ProjectInstance } from './instance.ts'

export interface InstancePool {
  /**
   * Runs `work` with the project's instance, made if need be; the one unused for longest makes room.
   * At most `maxInstances` exist, so at most that many projects may be at work at a time.
   * @throws RangeError where all of them are at work for other projects
   */
  use<T>(projectId: string, work: (instance: ProjectInstance) => Promise<T>): Promise<T>
  readonly size: number
  close(): Promise<void>
}

interface Slot {
  readonly instance: Promise<ProjectInstance>
  users: number
}

export function createInstancePool(
  maxInstances: number,
  create: (projectId: string) => Promise<ProjectInstance>,
): InstancePool {
  /** The one unused for longest first. */
  const slots = new Map<string, Slot>()

  const slotOf = (projectId: string): Slot => {
    const slot = slots.get(projectId) ?? newSlot(projectId)
    slots.delete(projectId)
    slots.set(projectId, slot)
    return slot
  }
  const newSlot = (projectId: string): Slot => {
    if (slots.size >= maxInstances) {
      const idle = [...slots].find(([, slot]) => slot.users === 0)
      if (idle === undefined) throw new RangeError(`all ${maxInstances} DuckDB instances are at work`)
      slots.delete(idle[0])
      void idle[1].instance.then(
        (instance) => instance.close(),
        () => {},
      )
    }
    const instance = create(projectId)
    instance.catch(() => slots.delete(projectId))
    return { instance, users: 0 }
  }

  return {
    get size() {
      return slots.size
    },
    async use(projectId, work) {
      const slot = slotOf(projectId)
      slot.users++
      try {
        return await work(await slot.instance)
      } finally {
        slot.users--
      }
    },
    async close() {
      const all = [...slots.values()]
      slots.clear()
      for (const slot of all) (await slot.instance).close()
    },
  }
}
