/** The time of this machine, once a second. */
import { createSignal } from 'solid-js'

const [now, setNow] = createSignal(Date.now())
setInterval(() => document.hidden || setNow(Date.now()), 1_000)

/** Unix milliseconds. */
export { now }
