/** Made by `vite.config.ts`. */
declare module 'virtual:otel_logs_and_spans' {
  import type { Table } from '#schemas/tables/tables.ts'

  export type { TableColumn } from '#schemas/tables/tables.ts'
  export const table: Table
}
