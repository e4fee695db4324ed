/**
 * Where words and phrases are searched for: what a person would take for the text of an event. A phrase is found where
 * it stands as it is, upper and lower case alike, also within a longer word.
 */
import type { Table, TableColumn } from '../tables/tables.ts'

const SEARCHED: Record<Table['name'], readonly string[]> = {
  otel_logs_and_spans: [
    'body',
    'name',
    'status_message',
    'attributes___exception___type',
    'attributes___exception___message',
    'resource___service___name',
  ],
  otel_metrics: ['metric_name', 'metric_description', 'resource___service___name'],
}

/** The columns searched; of a json column, a string is searched for its characters, any other value for its JSON. */
export function searchedColumns(table: Table): readonly TableColumn[] {
  return SEARCHED[table.name].map((name) => table.stored.find((column) => column.name === name)!)
}
