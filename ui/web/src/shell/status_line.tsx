/** The line at the foot of every page: is it connected, is anything late, what time is it. */
import { createMemo, Show } from 'solid-js'
import { addsUp, ledger } from '../api/account.ts'
import { latencyMs, samples, topology } from '../api/topology.ts'
import { count, duration, rate } from '../format/numbers.ts'
import { clock } from '../format/time.ts'
import { now } from './clock.ts'

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
const city = zone.split('/').at(-1)!.replaceAll('_', ' ')

export function StatusLine() {
  const sums = createMemo(() => {
    const parts = topology()?.parts ?? []
    return {
      perSecond: parts[0]?.events_per_second ?? 0,
      // A sink gathers before it writes: what waits there is not late.
      lag: Math.max(0, ...parts.filter(({ kind }) => kind === 'stage').map((part) => part.lag_records)),
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
      <LedgerPart />
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

/** The sum that must come out, of this project since its beginning. */
function LedgerPart() {
  return (
    <Show when={ledger()}>
      {(of) => (
        <a
          href="/ledger"
          title="What became of every event received"
          classList={{ warn: !addsUp(of()) || of().dead_lettered > 0 }}
        >
          Received <b>{count(of().received)}</b>
          <span class="status-sum">
            {' '}
            = stored <b>{count(of().stored)}</b> + in flight <b>{count(of().in_flight)}</b> + dropped{' '}
            <b>{count(of().dropped)}</b> + dead-lettered <b>{count(of().dead_lettered)}</b>
          </span>
          <Show when={of().unaccounted !== 0}>
            {' '}
            + lost <b>{count(of().unaccounted)}</b>
          </Show>
        </a>
      )}
    </Show>
  )
}
