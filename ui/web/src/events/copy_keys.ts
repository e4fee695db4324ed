/** `c` and a letter: the row that is selected or open, as link, SQL, curl line or JSON. */
import { askRows, type Row } from '../api/ask.ts'
import { useKeys } from '../shell/keyboard.ts'
import { copy, say } from '../shell/toast.tsx'
import { curlOf, eventSql } from './statements.ts'

interface Place {
  readonly id: string
  readonly timestamp: string
}

/** The columns that have a value. */
export const present = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

/** @param link where the view is, as it is to be seen again */
export function useCopyKeys(row: () => Place | null | undefined, link: () => string = () => location.href): void {
  const withRow = (run: (sql: string) => void) => () => {
    const place = row()
    if (place === null || place === undefined) return false
    run(eventSql(place.id, place.timestamp))
  }
  useKeys([
    { keys: 'c l', does: 'copy link', run: () => void copy('The link', link()) },
    { keys: 'c s', does: 'copy SQL', run: withRow((sql) => void copy('The SQL', sql)) },
    { keys: 'c u', does: 'copy curl', run: withRow((sql) => void copy('The curl line', curlOf(sql))) },
    { keys: 'c j', does: 'copy JSON', run: withRow((sql) => void copyJson(sql)) },
  ])
}

async function copyJson(sql: string): Promise<void> {
  try {
    const [row] = await askRows(sql)
    if (row === undefined) say('This row is not stored any more.')
    else await copy('The row', JSON.stringify(present(row), null, 2))
  } catch (error) {
    say((error as Error).message)
  }
}
