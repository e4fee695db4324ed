/** Pipeline: is anything lost, is anything late, where. */
import { createMemo, createSignal, onMount, Show } from 'solid-js'
import { samples, topology } from '../api/topology.ts'
import { count, rate } from '../format/numbers.ts'
import { clock } from '../format/time.ts'
import { useKeys } from '../shell/keyboard.ts'
import { param, setParams } from '../shell/router.ts'
import { Graph } from './graph.tsx'
import { PartPanel } from './part_panel.tsx'
import { PartTable } from './part_table.tsx'
import { conditionOf } from './rates.ts'
import '../style/pipeline.css'

export default function PipelinePage() {
  const [asTable, setAsTable] = createSignal(false)
  onMount(() => {
    document.title = 'Pipeline · millrace'
  })
  const parts = () => topology()?.parts ?? []
  const selected = createMemo(() => parts().find(({ name }) => name === param('part')) ?? parts()[0])
  const select = (name: string) => setParams({ part: name }, false)
  const step = (by: number) => {
    const at = parts().findIndex(({ name }) => name === selected()?.name) + by
    if (parts()[at] !== undefined) select(parts()[at].name)
  }
  useKeys([
    { keys: 'j', does: 'next part', run: () => step(1) },
    { keys: 'k', does: 'part before', run: () => step(-1) },
    { keys: 'ArrowRight', does: '', hidden: true, run: () => step(1) },
    { keys: 'ArrowLeft', does: '', hidden: true, run: () => step(-1) },
  ])
  const sums = createMemo(() => {
    const sum = (pick: (part: ReturnType<typeof parts>[number]) => number) =>
      parts().reduce((total, part) => total + pick(part), 0)
    return {
      received: parts()[0]?.events_total ?? 0,
      perSecond: parts()[0]?.events_per_second ?? 0,
      behind: Math.max(
        0,
        ...parts()
          .filter(({ kind }) => kind === 'stage')
          .map((part) => part.lag_records),
      ),
      deadLetters: sum((part) => part.dead_letters_total),
      stops: sum((part) => part.errors_total),
      unwell: parts().filter((part) => conditionOf(part) !== 'well').length,
    }
  })

  return (
    <Show when={topology()} fallback={<p class="drawer-note">Asking the server…</p>}>
      {(report) => (
        <>
          <div class="bar">
            <h1>Pipeline</h1>
            <span class="q">
              {report().name}, {report().stages.length} stages and {report().sinks.length}{' '}
              {report().sinks.length === 1 ? 'sink' : 'sinks'}
            </span>
            <span class="grow" />
            <span class="key">
              <span class="with-dot">
                <svg width="26" height="6" aria-hidden="true">
                  <path d="M1 3h24" class="pipe" stroke-width="5" />
                  <path d="M1 3h24" class="flow" stroke-width="2.5" />
                </svg>
                topic, width is rate
              </span>
              <span class="with-dot">
                <svg width="22" height="4" aria-hidden="true">
                  <rect width="22" height="3" y=".5" class="ut" />
                  <rect width="12" height="3" y=".5" class="uv" />
                </svg>
                time busy
              </span>
            </span>
            <div class="seg" role="group" aria-label="How to show it">
              <button
                type="button"
                classList={{ on: !asTable() }}
                aria-pressed={!asTable()}
                onClick={() => setAsTable(false)}
              >
                Graph
              </button>
              <button
                type="button"
                classList={{ on: asTable() }}
                aria-pressed={asTable()}
                onClick={() => setAsTable(true)}
              >
                Table
              </button>
            </div>
            <span class="time">
              <span class="dot" />
              Live <span class="abs data">{clock(samples().at(-1)!.at)}</span>
            </span>
          </div>
          <div class="ledger">
            <Fact name="Received since the start" value={count(sums().received)} />
            <Fact name="Now" value={rate(sums().perSecond)} />
            <Fact name="Behind, records" value={count(sums().behind)} warn={sums().behind > 50} />
            <Fact name="Dead letters" value={count(sums().deadLetters)} warn={sums().deadLetters > 0} />
            <Fact name="Times stopped" value={count(sums().stops)} warn={sums().stops > 0} />
            <span class="grow" />
            <Show when={sums().unwell === 0} fallback={<span class="badge warn">{sums().unwell} need a look</span>}>
              <span class="badge ok">Every part keeps up</span>
            </Show>
          </div>
          <Show
            when={!asTable()}
            fallback={<PartTable parts={parts()} samples={samples()} selected={selected()?.name} select={select} />}
          >
            <Graph report={report()} samples={samples()} selected={selected()?.name} select={select} />
          </Show>
          <Show when={selected()}>{(part) => <PartPanel part={part()} report={report()} samples={samples()} />}</Show>
        </>
      )}
    </Show>
  )
}

function Fact(props: { readonly name: string; readonly value: string; readonly warn?: boolean }) {
  return (
    <div>
      <small>{props.name}</small>
      <b classList={{ warn: props.warn === true }}>{props.value}</b>
    </div>
  )
}
