/** The stretch of time selected on the histogram, and zooming into it and out again. */
import { createSignal } from 'solid-js'
import { now } from '../shell/clock.ts'
import { range, setPlace, setRange, until } from './view.ts'
import { neighbour, type Place, ZoomSteps } from './windows.ts'

export interface Stretch {
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
}

const [brush, setBrush] = createSignal<Stretch | null>(null)
const steps = new ZoomSteps()
const here = (): Place => ({ range: range(), until: until() })

export { brush, setBrush }

/** @returns false where nothing is selected */
export function zoomIn(): boolean {
  const chosen = brush()
  if (chosen === null) return false
  steps.push(here())
  setBrush(null)
  setRange(chosen)
  return true
}

/** To where one was before zooming in. @returns false where one has not */
export function zoomOut(): boolean {
  const before = steps.pop()
  if (before === undefined) return false
  setBrush(null)
  setPlace(before)
  return true
}

export function moveWindow(by: -1 | 1): void {
  setBrush(null)
  setRange(neighbour(here(), by, now()))
}
