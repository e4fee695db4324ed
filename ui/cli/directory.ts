/** `millrace project`, `key`, `user`, `invite`: what the API does, for the running millrace or another. */
import { Command, Option } from 'commander'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { callApi, listAll, type Target } from './api.ts'
import { render } from './render.ts'

/** @param url of another millrace than the one on the data folder */
export type FindTarget = (url: string | undefined) => Target

interface Flags {
  readonly url?: string
  readonly project?: string
}

const SCOPES = 'ingest,read,admin'
const ROLES = ['viewer', 'editor', 'admin']

export function directoryCommands(find: FindTarget): Command[] {
  return [projectCommands(find), keyCommands(find), userCommands(find), inviteCommand(find)]
}

interface Project {
  readonly id: string
  readonly name: string
  readonly retention_days: number | null
  readonly events_per_day: number | null
  readonly bytes_per_day: number | null
}

interface LimitFlags extends Flags {
  readonly name?: string
  readonly retentionDays?: number | 'none'
  readonly eventsPerDay?: number | 'none'
  readonly bytesPerDay?: number | 'none'
}

function projectCommands(find: FindTarget): Command {
  const project = new Command('project').description('projects: what data is stored under')
  const limited = (command: Command) =>
    withUrl(command)
      .option('--retention-days <days>', 'how long events are kept; none: for ever', count)
      .option('--events-per-day <events>', 'how many are taken a day (UTC); none: without limit', count)
      .option('--bytes-per-day <bytes>', 'uncompressed bytes taken a day (UTC); none: without limit', count)
  withUrl(project.command('list').description('list projects and their limits')).action(async ({ url }: Flags) => {
    const rows = (await listAll<Project>(find(url), '/v1/projects')).map((each) => [
      ...[each.name, each.id],
      ...[each.retention_days, each.events_per_day, each.bytes_per_day],
    ])
    print([...text('name', 'id'), ...numbers('retention_days', 'events_per_day', 'bytes_per_day')], rows)
  })
  limited(project.command('create').description('make a project').argument('<name>')).action(
    async (name: string, flags: LimitFlags) => {
      const body = { name, ...limits(flags) }
      const { id } = await callApi<Project>(find(flags.url), 'POST', '/v1/projects', { body })
      say(`${name} is made, id ${id}`)
    },
  )
  limited(project.command('set').description('change name or limits').argument('<project>', 'name or id'))
    .option('--name <name>', 'another name')
    .action(async (name: string, flags: LimitFlags) => {
      const body = { ...(flags.name === undefined ? {} : { name: flags.name }), ...limits(flags) }
      await callApi(find(flags.url), 'PATCH', `/v1/projects/${encodeURIComponent(name)}`, { body })
      say(`${flags.name ?? name} is changed`)
    })
  withUrl(
    project.command('delete').description('end a project and its keys; what is stored stays').argument('<project>'),
  ).action(async (name: string, { url }: Flags) => {
    await callApi(find(url), 'DELETE', `/v1/projects/${encodeURIComponent(name)}`)
    say(`${name} is deleted`)
  })
  return project
}

interface Key {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly allowed_origins: readonly string[]
  readonly created_at: string
  readonly key: string
}

function keyCommands(find: FindTarget): Command {
  const key = new Command('key').description('API keys of a project; changes work at once')
  withProject(key.command('add').description('make a key and show it, this once'))
    .option('--name <name>', 'what it is for', '')
    .option('--scopes <scopes>', `what it may do, of ${SCOPES}`, SCOPES)
    .option('--origins <origins>', 'web origins whose pages may send with it; scope ingest only')
    .action(async (flags: Flags & { name: string; scopes: string; origins?: string }) => {
      const { name, project } = flags
      const body = { name, scopes: flags.scopes.split(','), allowed_origins: flags.origins?.split(',') ?? [] }
      const made = await callApi<Key>(find(flags.url), 'POST', '/v1/keys', { query: { project }, body })
      say(made.key)
      process.stderr.write(`id ${made.id}, this is the only time the key is shown\n`)
    })
  withProject(key.command('list').description('list keys: ids, names, scopes')).action(
    async ({ url, project }: Flags) => {
      const rows = (await listAll<Key>(find(url), '/v1/keys', { project })).map((each) => [
        ...[each.id, each.name, each.scopes.join(), each.allowed_origins.join(), each.created_at],
      ])
      print(text('id', 'name', 'scopes', 'origins', 'made'), rows)
    },
  )
  withProject(key.command('revoke').description('end a key').argument('<id>', 'as key list shows it')).action(
    async (id: string, { url, project }: Flags) => {
      await callApi(find(url), 'DELETE', `/v1/keys/${encodeURIComponent(id)}`, { query: { project } })
      say(`${id} is revoked`)
    },
  )
  return key
}

interface User {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly created_at: string
  readonly disabled_at: string | null
  readonly password: string
}

function userCommands(find: FindTarget): Command {
  const user = new Command('user').description('who may sign in, with which role')
  withProject(user.command('add').description('make a user, and show a password this once').argument('<email>'))
    .option('--name <name>', 'what they are called', '')
    .addOption(new Option('--role <role>', 'what they may in the project').choices(ROLES).makeOptionMandatory())
    .action(async (email: string, { url, project, name, role }: Flags & { name: string; role: string }) => {
      const body = { email, name, role }
      const made = await callApi<User>(find(url), 'POST', '/v1/users', { query: { project }, body })
      say(made.password)
      process.stderr.write(`the password of ${email}: shown this once, to be changed after signing in\n`)
    })
  withUrl(user.command('list').description('list users')).action(async ({ url }: Flags) => {
    const rows = (await listAll<User>(find(url), '/v1/users')).map((each) => [
      ...[each.email, each.name, each.id, each.created_at, each.disabled_at],
    ])
    print(text('email', 'name', 'id', 'made', 'disabled'), rows)
  })
  for (const [name, disabled, done] of [
    ['disable', true, 'may not sign in any more, and is signed out everywhere'],
    ['enable', false, 'may sign in again'],
  ] as const) {
    withUrl(user.command(name).description(`a user ${done}`).argument('<email>')).action(
      async (email: string, { url }: Flags) => {
        const target = find(url)
        await callApi(target, 'PATCH', `/v1/users/${await userId(target, email)}`, { body: { disabled } })
        say(`${email} ${done}`)
      },
    )
  }
  withUrl(user.command('password').description('another password, shown this once').argument('<email>')).action(
    async (email: string, { url }: Flags) => {
      const target = find(url)
      say((await callApi<User>(target, 'POST', `/v1/users/${await userId(target, email)}/password`)).password)
    },
  )
  return user
}

async function userId(target: Target, email: string): Promise<string> {
  const found = (await listAll<User>(target, '/v1/users')).find((user) => user.email === email.toLowerCase())
  if (found === undefined) throw new OperatorError(`there is no user ${email}`)
  return found.id
}

function inviteCommand(find: FindTarget): Command {
  return withProject(new Command('invite').description('invite somebody into a project').argument('<email>'))
    .addOption(new Option('--role <role>', 'what they may there').choices(ROLES).default('viewer'))
    .action(async (email: string, { url, project, role }: Flags & { role: string }) => {
      const target = find(url)
      const made = await callApi<{ token: string; expires_at: string }>(target, 'POST', '/v1/invitations', {
        query: { project },
        body: { email, role },
      })
      say(`${target.url}/invite#${made.token}`)
      process.stderr.write(`for ${email}, until ${made.expires_at}: this is the only time it is shown\n`)
    })
}

function withUrl(command: Command): Command {
  return command.option('--url <url>', 'of another millrace than the one on the data folder (with MILLRACE_API_KEY)')
}

function withProject(command: Command): Command {
  return withUrl(command).option('--project <project>', "name or id; without it the key's own: default")
}

function count(given: string): number | 'none' {
  if (given === 'none') return given
  if (!/^\d{1,15}$/.test(given)) throw new OperatorError(`${given} is neither a number nor none`)
  return Number(given)
}

/** What was given of them. */
function limits({ retentionDays, eventsPerDay, bytesPerDay }: LimitFlags): object {
  const given = { retention_days: retentionDays, events_per_day: eventsPerDay, bytes_per_day: bytesPerDay }
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, value === 'none' ? null : value]))
}

const text = (...names: string[]) => names.map((name) => ({ name, type: 'text' }))
const numbers = (...names: string[]) => names.map((name) => ({ name, type: 'bigint' }))

function print(columns: { name: string; type: string }[], rows: (string | number | null)[][]): void {
  process.stdout.write(render({ columns, rows }, 'table'))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
