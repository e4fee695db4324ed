/** Under the list: whether it follows, and why not. A list that stands still without saying so looks broken. */
import { Show } from 'solid-js'
import { count } from '../format/numbers.ts'
import { clock, clockMs } from '../format/time.ts'
import { now } from '../shell/clock.ts'
import { MAX_ROWS } from './feed.ts'
import type { Stream } from './stream.ts'
import { isLive } from './view.ts'

export function Dock(props: { readonly stream: Stream; readonly reason: string; readonly resume: () => void }) {
  const feed = () => props.stream.feed()
  const lastAt = () => feed().items.at(-1)?.at
  return (
    <Show when={isLive()}>
      <Show when={props.stream.nextTryAt()}>
        {(at) => (
          <div class="dock lost" role="status">
            <span>
              <span class="dot warn" /> Disconnected at <b class="data">{clock(props.stream.lostAt() ?? now())}</b>,
              next try in {Math.max(0, Math.ceil((at() - now()) / 1000))} s. What arrives meanwhile will be fetched.
            </span>
          </div>
        )}
      </Show>
      <Show when={!feed().following && props.stream.nextTryAt() === null}>
        <div class="dock">
          <span>
            Paused
            <Show when={lastAt()}>
              {(at) => (
                <>
                  {' '}
                  at <b class="data">{clockMs(at())}</b>
                </>
              )}
            </Show>
            , {props.reason}
          </span>
          <button type="button" class="pill" onClick={props.resume}>
            {feed().newRows === 0 ? 'Follow' : `${count(feed().newRows)} new ${feed().newRows === 1 ? 'row' : 'rows'}`}
            <kbd class="kbd">Space</kbd>
          </button>
          <span class="num">
            {count(Math.min(feed().newRows, MAX_ROWS))} of at most {count(MAX_ROWS)} kept here
          </span>
        </div>
      </Show>
      <Show when={feed().following && props.stream.nextTryAt() === null}>
        <div class="follows" title={`Follows what arrives, ${clock(now())} UTC`} />
      </Show>
    </Show>
  )
}
