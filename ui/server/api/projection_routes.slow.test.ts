/** Services, usage and ledger over the API: pages, notes, and what a key that administers the instance looks at. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Account, ServiceRow, UsageRow } from '#schemas/projections.ts'
import { type ApiServer, createApiServer, sessionOf, type Who } from '../testing/api_server.ts'

const HOUR = 3_600_000_000
const service = (name: string, lastSeen: number): ServiceRow => ({
  ...{ namespace: '', name, version: '1.0', sdkName: 'opentelemetry', sdkLanguage: 'go', sdkVersion: null },
  ...{ firstSeen: HOUR, lastSeen, logs: 3, spans: 2, metrics: 1, errors: 1 },
  ...{ eventsPerSecond: 0.5, errorsPerSecond: 0, owner: null, description: null },
})
let services: ServiceRow[]
let usage: UsageRow[]
const account: Account = {
  ledger: {
    ...{ received: 10, stored: 6, dropped: 3, deadLettered: 1, unaccounted: 0 },
    ...{ droppedByReason: { refused: 3 }, deadLetteredByCode: { malformed: 1 } },
  },
  ...{ inFlight: 4, complete: true },
}
let counted = 0
let mayAnswer: Promise<void> = Promise.resolve()
let askedAbout: string[] = []
const reader = <T>(rows: () => T) => {
  return async (projectId: string) => {
    askedAbout.push(projectId)
    return rows()
  }
}

let api: ApiServer
let operator: Who
let shopId: string
before(async () => {
  api = await createApiServer({
    projections: {
      services: reader(() => services),
      usage: reader(() => usage),
      async account() {
        counted++
        await mayAnswer
        return account
      },
    },
  })
  operator = { key: api.operatorKey }
  shopId = (await api.project('shop')).id
  await api.directory.refresh()
})
after(() => api.close())

async function get(url: string, who: Who = operator) {
  const answer = await api.ask('GET', url, who)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}

describe('services', () => {
  it('come in pages; one seen again meanwhile takes no other out of them', async () => {
    services = ['a', 'b', 'c', 'd'].map((name, at) => service(name, 9 * HOUR - at))
    const first = await get('/v1/services?limit=2')
    assert.deepEqual(
      first.items.map(({ name, first_seen }: { name: string; first_seen: string }) => [name, first_seen]),
      [
        ['a', '1970-01-01T01:00:00.000Z'],
        ['b', '1970-01-01T01:00:00.000Z'],
      ],
    )
    const rest = async () =>
      (await get(`/v1/services?limit=2&cursor=${first.next}`)).items.map(({ name }: { name: string }) => name)
    assert.deepEqual(await rest(), ['c', 'd'])
    services = [service('b', 10 * HOUR), ...services.filter(({ name }) => name !== 'b')]
    assert.deepEqual(await rest(), ['c', 'd'])
  })

  it('are those of the project named', async () => {
    askedAbout = []
    await get('/v1/services?project=shop')
    assert.deepEqual(askedAbout, [shopId])
  })

  it('have notes, audited with what they were before', async () => {
    const put = (owner: string) =>
      api.ask('PUT', '/v1/services/notes?project=shop', operator, {
        namespace: 'eu',
        name: 'cart',
        owner,
        description: null,
      })
    assert.equal((await put('ann')).statusCode, 200)
    assert.deepEqual((await put('bob')).json(), { namespace: 'eu', name: 'cart', owner: 'bob', description: null })
    const [entry] = (await get('/v1/audit?project=shop&limit=1')).items
    assert.deepEqual(
      [entry.action, entry.subject, entry.before.owner, entry.after.owner],
      ['service.note', 'eu/cart', 'ann', 'bob'],
    )
    const [{ owner }] = await api.database.query<{ owner: string }>(
      `select owner from service_notes where project_id = $1 and service_namespace = 'eu' and service_name = 'cart'`,
      [shopId],
    )
    assert.equal(owner, 'bob')
  })
})

describe('usage', () => {
  it('comes in pages by hour and signal', async () => {
    usage = [3, 2, 1].flatMap((hour) =>
      ['logs', 'traces'].map((signal) => ({ signal, hour: hour * HOUR, events: hour, bytes: 10 * hour })),
    )
    const seen: string[] = []
    let cursor = ''
    do {
      const { items, next } = await get(`/v1/usage?limit=4${cursor}`)
      for (const { hour, signal, events } of items) seen.push(`${hour.slice(11, 13)} ${signal} ${events}`)
      cursor = next === null ? '' : `&cursor=${next}`
    } while (cursor !== '')
    assert.deepEqual(seen, ['03 logs 3', '03 traces 3', '02 logs 2', '02 traces 2', '01 logs 1', '01 traces 1'])
  })
})

describe('the ledger', () => {
  it('counts what is in flight as received', async () => {
    const { received, stored, in_flight, dropped, dead_lettered, unaccounted } = await get('/v1/ledger')
    assert.deepEqual([received, stored, in_flight, dropped, dead_lettered, unaccounted], [14, 6, 4, 3, 1, 0])
  })

  it('is counted once for all who ask at the same time', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    mayAnswer = promise
    counted = 0
    const answers = [get('/v1/ledger'), get('/v1/ledger'), get('/v1/ledger')]
    while (counted === 0) await new Promise(setImmediate)
    resolve()
    await Promise.all(answers)
    assert.equal(counted, 1)
    await get('/v1/ledger')
    assert.equal(counted, 2)
  })
})

describe('a session of a key', () => {
  const choose = (who: Who, project: string) => api.ask('PATCH', '/v1/session', who, { project })
  const signIn = async (key: string) => sessionOf(await api.ask('POST', '/v1/session', null, { key }))

  it('that administers the instance looks at any project and stays what it is', async () => {
    const who = await signIn(api.operatorKey)
    const session = (await choose(who, 'shop')).json()
    assert.deepEqual([session.project, session.operator], ['shop', true])
    assert.deepEqual(
      session.projects.map(({ name }: { name: string }) => name),
      ['default', 'shop'],
    )
    assert.equal((await get('/v1/session', who)).project, 'shop')
    assert.equal((await choose(who, 'default')).json().project, 'default')
  })

  it('goes back to its own project when the other ends', async () => {
    const who = await signIn(api.operatorKey)
    await api.project('short')
    await api.directory.refresh()
    await choose(who, 'short')
    assert.equal((await api.ask('DELETE', '/v1/projects/short', who)).statusCode, 204)
    assert.equal((await get('/v1/session', who)).project, 'default')
  })

  it('of another project looks at that one only', async () => {
    const who = await signIn(await api.key(shopId, ['read', 'admin']))
    assert.equal((await choose(who, 'default')).statusCode, 404)
    assert.equal((await get('/v1/session', who)).project, 'shop')
  })
})
