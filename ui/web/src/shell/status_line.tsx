/** The line at the foot of every page: is it connected, is anything late, what time is it. */
import { createMemo, Show } from 'solid-js'
import { latencyMs, samples, topology } from '../api/topology.ts'
import { count, duration, rate } from '../format/numbers.ts'
import { clock } from '../format/time.ts'
import { now } from './clock.ts'

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
const city = zone.split('/').at(-1)!.replaceAll('_', ' ')

export function StatusLine() {
  const sums = createMemo(() => {
    const parts = topology()?.parts ?? []
    const sum = (pick: (part: (typeof parts)[number]) => number) => parts.reduce((total, part) => total + pick(part), 0)
    return {
      perSecond: parts[0]?.events_per_second ?? 0,
      // A sink gathers before it writes: what waits there is not late.
      lag: Math.max(0, ...parts.filter(({ kind }) => kind === 'stage').map((part) => part.lag_records)),
      deadLetters: sum((part) => part.dead_letters_total),
      stopped: parts.filter((part) => part.partitions.some(({ condition }) => condition === 'stopped')),
    }
  })
  return (
    <footer class="status">
      <Show
        when={latencyMs() !== null || samples().length === 0}
        fallback={
          <span class="with-dot warn">
            <span class="dot warn" />
            Not connected: the server does not answer
          </span>
        }
      >
        <span class="with-dot">
          <span class="dot" />
          <b>Connected</b> <Show when={latencyMs()}>{(ms) => duration(ms())}</Show>
        </span>
      </Show>
      <a href="/pipeline" title="Events taken in per second, over the last two seconds">
        In <b>{rate(sums().perSecond)}</b>
      </a>
      <a href="/pipeline" title="Records the slowest stage has not read yet" classList={{ warn: sums().lag > 50 }}>
        Behind <b>{count(sums().lag)}</b> {sums().lag === 1 ? 'record' : 'records'}
      </a>
      <a href="/pipeline" title="Events put aside since the start" classList={{ warn: sums().deadLetters > 0 }}>
        Dead letters <b>{count(sums().deadLetters)}</b>
      </a>
      <Show when={sums().stopped.length > 0}>
        <a href="/pipeline" class="err">
          {sums()
            .stopped.map(({ name }) => name)
            .join(', ')}{' '}
          stopped
        </a>
      </Show>
      <span class="grow" />
      <span class="clock">
        <b class="data">{clock(now())}</b> UTC
      </span>
      <Show when={zone !== 'UTC'}>
        <span>
          <b class="data">{new Date(now()).toLocaleTimeString('en-GB')}</b> {city}
        </span>
      </Show>
    </footer>
  )
}
