/** Rows for people and programs: a table, JSON lines or CSV. */
import type { QueryColumn, QueryRow, QueryValue } from '#schemas/query.ts'

export const FORMATS = ['table', 'json', 'csv'] as const
export type Format = (typeof FORMATS)[number]

export interface Rows {
  readonly columns: readonly QueryColumn[]
  readonly rows: readonly QueryRow[]
}

/** Cells of the table are cut at this many characters. */
const CELL_WIDTH = 80

/** @returns the whole text, ending in a newline; JSON is one object a line */
export function render({ columns, rows }: Rows, format: Format): string {
  const names = columns.map((column) => column.name)
  switch (format) {
    case 'json':
      return rows
        .map((row) => `${JSON.stringify(Object.fromEntries(row.map((value, at) => [names[at], value])))}\n`)
        .join('')
    case 'csv':
      return [names, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')
    default:
      return table(columns, rows)
  }
}

function table(columns: readonly QueryColumn[], rows: readonly QueryRow[]): string {
  const cells = rows.map((row) => row.map((value) => cut(tableCell(value))))
  const widths = columns.map((column, at) => Math.max(column.name.length, ...cells.map((row) => [...row[at]].length)))
  const numeric = columns.map(({ type }) => /^(integer|bigint|double|hugeint|numeric|decimal)/.test(type))
  const line = (row: readonly string[]) =>
    row
      .map((text, at) => {
        const padding = ' '.repeat(Math.max(0, widths[at] - [...text].length))
        return numeric[at] ? padding + text : text + padding
      })
      .join('  ')
      .trimEnd()
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return `${[line(columns.map((column) => column.name)), rule, ...cells.map(line), count].join('\n')}\n`
}

function tableCell(value: QueryValue): string {
  if (value === null) return '∅'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // What came from a sender must not steer the terminal.
  return text.replaceAll(/\p{Cc}/gu, (control) => (control === '\n' ? '↵' : '·'))
}

function cut(text: string): string {
  const characters = [...text]
  return characters.length <= CELL_WIDTH ? text : `${characters.slice(0, CELL_WIDTH - 1).join('')}…`
}

/** RFC 4180; null is an empty field, an empty text a quoted one. */
function csvCell(value: QueryValue): string {
  if (value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
