import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { render } from './render.ts'

const rows = {
  columns: [
    { name: 'service', type: 'text' },
    { name: 'n', type: 'bigint' },
  ],
  rows: [
    ['checkout', 12],
    [null, '9223372036854775807'],
    ['a "b",\n\u001b[31mc', 3],
  ],
} as const

describe('rows on the terminal', () => {
  it('are a table: numbers to the right, control characters made visible', () => {
    const lines = [
      'service                          n',
      '─────────────  ───────────────────',
      'checkout                        12',
      '∅              9223372036854775807',
      'a "b",↵·[31mc                    3',
      '(3 rows)',
      '',
    ]
    assert.equal(render(rows, 'table'), lines.join('\n'))
  })

  it('are JSON, an object a line', () => {
    assert.equal(
      render({ columns: rows.columns, rows: rows.rows.slice(0, 2) }, 'json'),
      '{"service":"checkout","n":12}\n{"service":null,"n":"9223372036854775807"}\n',
    )
  })

  it('are CSV', () => {
    assert.equal(
      render(rows, 'csv'),
      'service,n\r\ncheckout,12\r\n,9223372036854775807\r\n"a ""b"",\n\u001b[31mc",3\r\n',
    )
  })
})
