import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'
import solid from 'vite-plugin-solid'
import { otelLogsAndSpans } from '../../schemas/tables/tables.ts'

const dist = join(import.meta.dirname, 'dist')

/** The server sends what is compressed here and compresses nothing itself. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  closeBundle() {
    for (const name of readdirSync(dist, { recursive: true }) as string[]) {
      if (!/\.(html|js|css|svg)$/.test(name)) continue
      const body = readFileSync(join(dist, name))
      writeFileSync(join(dist, `${name}.br`), brotliCompressSync(body))
      writeFileSync(join(dist, `${name}.gz`), gzipSync(body, { level: 9 }))
    }
  },
}

/** The table's columns are read from files: the browser gets them as they are at build time. */
const tableOfEvents: Plugin = {
  name: 'table-of-events',
  resolveId: (id) => (id === 'virtual:otel_logs_and_spans' ? `\0${id}` : null),
  load(id) {
    if (id !== '\0virtual:otel_logs_and_spans') return null
    const { name, columns, stored, promoted } = otelLogsAndSpans
    const names = stored.map((column) => column.name)
    const keys = (scope: 'attributes' | 'resource') => [...promoted[scope]].map(([key, column]) => [key, column.name])
    return `
      const columns = ${JSON.stringify(columns)}
      const named = new Map(columns.map((column) => [column.name, column]))
      const promoted = (keys) => new Map(keys.map(([key, name]) => [key, named.get(name)]))
      export const table = {
        name: ${JSON.stringify(name)},
        columns,
        stored: ${JSON.stringify(names)}.map((name) => named.get(name)),
        promoted: {
          attributes: promoted(${JSON.stringify(keys('attributes'))}),
          resource: promoted(${JSON.stringify(keys('resource'))}),
        },
      }`
  },
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [solid(), tableOfEvents, compressed],
  // An inlined asset would be a data: URL, which our Content-Security-Policy does not run.
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
})
