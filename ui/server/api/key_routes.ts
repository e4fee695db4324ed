/** `/v1/keys`: API keys of a project. */
import { z } from 'zod'
import type { Database } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import { createKey, listKeys, revokeKey } from '../directory/keys.ts'
import { page, pageOf, pageQuery, projectQuery, readCursor, scopes, text, timestamp } from './fields.ts'
import { defineRoute, type Route } from './route.ts'

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((url) => URL.canParse(url) && new URL(url).origin === url, 'is an origin, like https://shop.example')

const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes,
  allowed_origins: z.array(z.string()).meta({ description: 'Web origins whose pages may send with it.' }),
  created_at: timestamp,
})
export type KeyAnswer = z.output<typeof keySchema>
const madeSchema = keySchema.extend({
  key: z.string().optional().meta({ description: 'The key itself, shown this once.' }),
})

export function keyRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/keys',
      summary: 'Keys in force, oldest first.',
      access: 'admin',
      query: pageQuery,
      answers: { 200: pageOf(keySchema) },
      async handle({ caller, query: { cursor, limit } }) {
        const after = readCursor(cursor, text(64))
        return page(await listKeys(database, caller.projectId, { after, limit: limit + 1 }), limit, ({ id }) => id)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/keys',
      summary: 'Makes a key and shows it, this once.',
      access: 'admin',
      query: projectQuery,
      body: z
        .strictObject({ name: text(200).default(''), scopes, allowed_origins: z.array(origin).max(100).default([]) })
        .refine(
          ({ scopes, allowed_origins }) => allowed_origins.length === 0 || scopes.every((scope) => scope === 'ingest'),
          'a key that browsers send with is public: it may have the scope ingest only',
        ),
      answers: { 201: madeSchema },
      shownOnce: ['key'],
      async change({ caller, body: { name, scopes, allowed_origins } }, transaction) {
        const { projectId } = caller
        const allowed = [...new Set(scopes)]
        const { key, stored } = await createKey(transaction, {
          projectId,
          name,
          scopes: allowed,
          allowedOrigins: allowed_origins,
        })
        await audited(transaction, caller, { action: 'key.create', subject: stored.id, projectId, after: stored })
        return { ...stored, key }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/keys/:key',
      summary: 'Ends a key, at once everywhere.',
      access: 'admin',
      params: z.strictObject({ key: text(64) }),
      query: projectQuery,
      answers: { 204: null },
      async change({ caller, params: { key } }, transaction) {
        const { projectId } = caller
        const before = await revokeKey(transaction, projectId, key)
        await audited(transaction, caller, { action: 'key.revoke', subject: key, projectId, before })
      },
    }),
  ]
}
