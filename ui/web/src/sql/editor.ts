/** The SQL editor: CodeMirror 6 with our columns and functions, our colours, and errors at their place. */
import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { PostgreSQL, sql } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { setDiagnostics } from '@codemirror/lint'
import { EditorState, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { columns } from '../events/filter.ts'

export interface Editor {
  text(): string
  replace(text: string): void
  /** Marks the token at a place. @param position characters from 1 */
  showError(message: string, position: number): void
  clearErrors(): void
  focus(): void
  close(): void
}

export interface EditorOptions {
  readonly parent: HTMLElement
  readonly text: string
  readonly run: () => void
  readonly changed: (text: string) => void
}

const theme = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--bg)', fontSize: '12px', height: '100%' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--font-data)', caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-scroller': { fontFamily: 'var(--font-data)', lineHeight: '20px', overflow: 'auto' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-gutters': { backgroundColor: 'var(--bg)', color: 'var(--text-3)', border: 'none', paddingLeft: '8px' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--raised) 55%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--select)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--pressed)', outline: '1px solid var(--line-strong)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    border: 'none',
    borderRadius: '8px',
    boxShadow: 'var(--shadow)',
  },
  '.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--select)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--text-3)', fontStyle: 'normal' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--error) 1px',
    textUnderlineOffset: '4px',
  },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--error-mark)', padding: '6px 10px' },
})

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--syn-kw)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syn-str)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--syn-num)' },
  { tag: tags.comment, color: 'var(--text-3)' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--text-2)' },
])

const COLUMNS = columns.map(({ name, type }) => ({ label: name, type: 'property', detail: type }))
const FUNCTIONS = [
  'time_bucket',
  'approx_percentile',
  'percentile_agg',
  'approx_count_distinct',
  'date_trunc',
  'count',
  'coalesce',
].map((name) => ({ label: name, type: 'function', detail: 'function', apply: `${name}(` }))

export function createEditor({ parent, text, run, changed }: EditorOptions): Editor {
  const language = sql({
    dialect: PostgreSQL,
    schema: { otel_logs_and_spans: COLUMNS, otel_metrics: [] },
    upperCaseKeywords: true,
  })
  // In a shadow tree CodeMirror's styles are constructed, not written into the page: our policy allows no inline style.
  const root = parent.attachShadow({ mode: 'open' })
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        EditorView.lineWrapping,
        autocompletion({ icons: false }),
        language,
        // A column is offered by its own name, too: most statements read one table.
        language.language.data.of({ autocomplete: ownNames }),
        theme,
        syntaxHighlighting(colours),
        placeholder("SELECT … FROM otel_logs_and_spans WHERE timestamp >= now() - INTERVAL '15 minutes'"),
        EditorView.contentAttributes.of({ 'aria-label': 'SQL statement' }),
        Prec.highest(
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                run()
                return true
              },
            },
            {
              key: 'Escape',
              run: (editor) => {
                editor.contentDOM.blur()
                return true
              },
            },
          ]),
        ),
        keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.state.doc.toString())
        }),
      ],
    }),
  })
  return {
    text: () => view.state.doc.toString(),
    replace: (next) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }),
    showError(message, position) {
      const from = Math.min(Math.max(0, position - 1), Math.max(0, view.state.doc.length - 1))
      const token = /^(\w+|\S)?/.exec(view.state.doc.sliceString(from, from + 80))?.[0] ?? ''
      const to = Math.min(view.state.doc.length, from + Math.max(1, token.length))
      view.dispatch(setDiagnostics(view.state, [{ from, to, severity: 'error', message }]))
    },
    clearErrors: () => view.dispatch(setDiagnostics(view.state, [])),
    focus: () => view.focus(),
    close: () => view.destroy(),
  }
}

function ownNames(context: { matchBefore(pattern: RegExp): { from: number; text: string } | null; explicit: boolean }) {
  const word = context.matchBefore(/\w+$/)
  if (word === null || (word.text.length < 2 && !context.explicit)) return null
  return { from: word.from, options: [...COLUMNS, ...FUNCTIONS], validFor: /^\w*$/ }
}
