/** What holds for the whole instance and is changed while it runs. Other names in the table are not for people. */
import { z } from 'zod'
import type { Connection } from '#pipeline/postgres/database.ts'

const known = {
  session_hours: z.int().min(1).max(720).meta({ description: 'How long somebody stays signed in.' }),
  password_sign_in: z
    .boolean()
    .meta({ description: 'Whether passwords are taken; without, users sign in at the OpenID provider.' }),
}
export const settingsSchema = z.object(known)
export const settingsChange = z.strictObject(known).partial()
export type InstanceSettings = z.output<typeof settingsSchema>

const DEFAULTS: InstanceSettings = { session_hours: 12, password_sign_in: true }
const NAMES = Object.keys(DEFAULTS)

export async function readSettings(connection: Connection): Promise<InstanceSettings> {
  const rows = await connection.query<{ name: string; value: unknown }>(
    'select name, value from settings where name = any($1)',
    [NAMES],
  )
  return settingsSchema.parse({ ...DEFAULTS, ...Object.fromEntries(rows.map(({ name, value }) => [name, value])) })
}

/** Changes what is given. @returns before and after */
export async function changeSettings(
  connection: Connection,
  change: z.output<typeof settingsChange>,
): Promise<{ readonly before: InstanceSettings; readonly after: InstanceSettings }> {
  const before = await readSettings(connection)
  for (const [name, value] of Object.entries(change)) {
    await connection.query(
      'insert into settings (name, value) values ($1, $2) on conflict (name) do update set value = $2',
      [name, JSON.stringify(value)],
    )
  }
  return { before, after: await readSettings(connection) }
}
