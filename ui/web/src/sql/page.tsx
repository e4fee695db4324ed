/** SQL: the answer as table or chart, with how many rows and how long it took. */
import { createMemo, createSignal, For, Match, onCleanup, onMount, Show, Switch } from 'solid-js'
import { type Answer, ask, isAbort } from '../api/ask.ts'
import { Problem } from '../api/problem.ts'
import { curlOf } from '../events/statements.ts'
import { count, duration } from '../format/numbers.ts'
import { useKeys } from '../shell/keyboard.ts'
import { param, setParams } from '../shell/router.ts'
import { copy } from '../shell/toast.tsx'
import { Chart } from './chart.tsx'
import { createEditor, type Editor } from './editor.ts'
import { EXAMPLES } from './examples.ts'
import { csvOf, Results } from './results.tsx'
import { chartOf } from './shape.ts'
import '../style/sql.css'

const TICK_MS = 100

export default function SqlPage() {
  let place!: HTMLDivElement
  let editor!: Editor
  let running: AbortController | undefined
  const [answer, setAnswer] = createSignal<Answer | null>(null)
  const [problem, setProblem] = createSignal<Problem | null>(null)
  const [tookMs, setTookMs] = createSignal(0)
  const [isRunning, setRunning] = createSignal(false)
  const chart = createMemo(() => (answer() === null ? null : chartOf(answer()!)))

  async function run(): Promise<void> {
    const sql = editor.text().trim()
    if (sql === '') return
    running?.abort()
    running = new AbortController()
    const { signal } = running
    const started = performance.now()
    const clock = setInterval(() => setTookMs(performance.now() - started), TICK_MS)
    setParams({ sql })
    setRunning(true)
    setProblem(null)
    editor.clearErrors()
    try {
      setAnswer(await ask(sql, [], signal))
    } catch (error) {
      if (isAbort(error)) return
      const found = error instanceof Problem ? error : new Problem(0, (error as Error).message)
      setProblem(found)
      // The statement was sent without the space before it.
      const space = editor.text().length - editor.text().trimStart().length
      if (found.position !== undefined) editor.showError(found.message, found.position + space)
    } finally {
      clearInterval(clock)
      if (!signal.aborted) {
        setTookMs(performance.now() - started)
        setRunning(false)
      }
    }
  }
  const cancel = () => {
    running?.abort()
    setRunning(false)
  }
  const choose = (sql: string) => {
    editor.replace(sql)
    void run()
  }

  onMount(() => {
    document.title = 'SQL · millrace'
    const text = param('sql') ?? ''
    editor = createEditor({ parent: place, text, run: () => void run(), changed: () => editor.clearErrors() })
    if (text === '') editor.focus()
    else void run()
    onCleanup(() => {
      running?.abort()
      editor.close()
    })
  })
  useKeys([
    { keys: '/', does: 'to the statement', run: () => editor.focus() },
    { keys: 'Ctrl+Enter', does: 'run', run: () => void run() },
    { keys: 'c u', does: 'copy curl', run: () => void copy('The curl line', curlOf(editor.text())) },
    { keys: 'c l', does: 'copy link', run: () => void copy('The link', location.href) },
  ])

  return (
    <>
      <div class="bar">
        <h1>SQL</h1>
        <span class="q">tables otel_logs_and_spans and otel_metrics</span>
        <span class="grow" />
        <button type="button" class="btn quiet" onClick={() => void copy('The curl line', curlOf(editor.text()))}>
          Copy curl
        </button>
        <Show
          when={isRunning()}
          fallback={
            <button type="button" class="btn primary" onClick={() => void run()}>
              Run <kbd class="kbd">Ctrl ↵</kbd>
            </button>
          }
        >
          <button type="button" class="btn" onClick={cancel}>
            Cancel
          </button>
        </Show>
      </div>
      <div class="sql-editor" ref={place} />
      <div class="sql-line" role="status">
        <Switch fallback={<span class="q">Nothing has been asked yet.</span>}>
          <Match when={isRunning()}>
            <span>Running, {duration(tookMs())}</span>
          </Match>
          <Match when={problem()}>{(found) => <span class="err">{found().message}</span>}</Match>
          <Match when={answer()}>
            {(found) => (
              <span>
                <b>{count(found().rows.length)}</b> {found().rows.length === 1 ? 'row' : 'rows'} in {duration(tookMs())}
                <Show when={found().truncated}>
                  <span class="warn">, more were left out: the answer is at its bound</span>
                </Show>
              </span>
            )}
          </Match>
        </Switch>
        <span class="grow" />
        <Show when={answer()}>
          {(found) => (
            <>
              <button type="button" class="link" onClick={() => void copy('The table', csvOf(found()))}>
                Copy as CSV
              </button>
              <button type="button" class="link" onClick={() => void copy('The answer', JSON.stringify(found().rows))}>
                Copy as JSON
              </button>
            </>
          )}
        </Show>
      </div>
      <Show when={answer()} fallback={<Examples choose={choose} />}>
        {(found) => (
          <>
            <Show when={chart()}>{(data) => <Chart data={data()} />}</Show>
            <Results answer={found()} />
          </>
        )}
      </Show>
    </>
  )
}

function Examples(props: { readonly choose: (sql: string) => void }) {
  return (
    <div class="examples">
      <h2>Questions to begin with</h2>
      <For each={EXAMPLES}>
        {([question, sql]) => (
          <button type="button" class="example" onClick={() => props.choose(sql)}>
            <b>{question}</b>
            <code class="cut">{sql.replaceAll(/\s+/g, ' ')}</code>
          </button>
        )}
      </For>
    </div>
  )
}
