/** `/v1/settings`: of the instance, for its admins. */
import type { Database } from '#pipeline/postgres/database.ts'
import { audited } from '../directory/audit.ts'
import { changeSettings, readSettings, settingsChange, settingsSchema } from '../directory/settings.ts'
import { defineRoute, type Route } from './route.ts'

export function settingsRoutes(database: Database): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/settings',
      summary: 'What holds for the whole instance.',
      access: 'operator',
      answers: { 200: settingsSchema },
      handle: () => readSettings(database),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/settings',
      summary: 'Changes what holds for the whole instance.',
      access: 'operator',
      body: settingsChange,
      answers: { 200: settingsSchema },
      async change({ caller, body }, transaction) {
        const change = await changeSettings(transaction, body)
        const subject = Object.keys(body).join(' ')
        await audited(transaction, caller, { action: 'settings.update', subject, projectId: null, ...change })
        return change.after
      },
    }),
  ]
}
