import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryLog } from '#pipeline/testing/memory_log.ts'
import type { Directory, ProjectDirectory } from '#schemas/directory.ts'
import { INSPECT_LIMITS, inspect } from '#schemas/otlp/inspect.ts'
import { transcodeJson } from '#schemas/otlp/json.ts'
import { encodeLogs } from '#schemas/otlp/testing/encode.ts'
import type { ContentType } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'
import { GROUP_COMMIT_LIMITS, GroupCommit } from './group_commit.ts'
import { Intake } from './intake.ts'
import { Quotas } from './quotas.ts'
import { Refusal, type RefusalKind } from './refusal.ts'
import { newReceiverStats } from './stats.ts'
import { MemoryDirectory } from './testing/directory.ts'
import { rawRecords } from './testing/receiver.ts'
import { VirtualClock } from './testing/virtual_clock.ts'

const KEY_A = 'mr_key_of_project_a'
const KEY_A2 = 'mr_other_key_of_project_a'
const KEY_B = 'mr_key_of_project_b'
const KEY_READ = 'mr_may_only_read'

const directory = new MemoryDirectory()
  .add(KEY_A, 'project a')
  .add(KEY_A2, 'project a')
  .add(KEY_B, 'project b')
  .add(KEY_READ, 'project a', ['read'])

async function setUp(keys: Directory & ProjectDirectory = directory, limits = INSPECT_LIMITS) {
  const log = new MemoryLog()
  await log.createTopics([{ name: telemetryRaw.name, partitions: 1, retentionMs: 1, retentionBytes: null }])
  const clock = new VirtualClock()
  const stats = newReceiverStats()
  const commit = new GroupCommit({
    log,
    topic: telemetryRaw.name,
    partitions: 1,
    schemaId: 1,
    lastReceivedAt: [0],
    clock,
    limits: { ...GROUP_COMMIT_LIMITS, lingerMs: 0 },
    stats,
  })
  return {
    log,
    stats,
    intake: new Intake({ directory: keys, commit, limits, clock, stats, quotas: new Quotas(keys, clock) }),
    clock,
  }
}

type Resource = { readonly key?: string; readonly name: string; readonly logs?: number }

/** Logs of resources with these names and keys. */
function request(resources: readonly Resource[]) {
  return {
    resourceLogs: resources.map(({ key, name, logs = 1 }) => ({
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: name } },
          ...(key === undefined ? [] : [{ key: 'x-api-key', value: { stringValue: key } }]),
        ],
      },
      scopeLogs: [{ logRecords: Array.from({ length: logs }, () => ({ body: { stringValue: `of ${name}` } })) }],
    })),
  }
}

const CONTENT_TYPES: readonly ContentType[] = ['application/x-protobuf', 'application/json']

function bodyOf(resources: readonly Resource[], contentType: ContentType): Uint8Array {
  const object = request(resources)
  return contentType === 'application/json' ? Buffer.from(JSON.stringify(object)) : encodeLogs(object)
}

async function storedParts(log: MemoryLog) {
  return (await rawRecords(log)).flatMap(({ projectId, exports }) => exports.map((part) => ({ projectId, ...part })))
}

function refused(kind: RefusalKind, message: RegExp) {
  return (error: unknown) => error instanceof Refusal && error.kind === kind && message.test(error.message)
}

for (const contentType of CONTENT_TYPES) {
  const take = (intake: Intake, resources: readonly Resource[], key: string | null = null) =>
    intake.take({
      signal: 'logs',
      contentType,
      body: bodyOf(resources, contentType),
      principal: key === null ? null : directory.authenticate(key),
    })

  test(`${contentType}: keys of one project leave the body whole, masked in place`, async () => {
    const { log, intake } = await setUp()
    const resources = [
      { key: KEY_A, name: 'one' },
      { key: KEY_A2, name: 'two' },
    ]
    await take(intake, resources)
    const [part, ...rest] = await storedParts(log)
    assert.deepEqual([part.projectId, part.contentType, part.eventCount, rest.length], ['project a', contentType, 2, 0])
    let expected = Buffer.from(bodyOf(resources, contentType)).toString('latin1')
    for (const key of [KEY_A, KEY_A2]) expected = expected.replace(key, '*'.repeat(key.length))
    assert.equal(Buffer.from(part.body).toString('latin1'), expected)
  })

  test(`${contentType}: keys of several projects split the export, each part with its own events`, async () => {
    const { log, stats, intake } = await setUp(directory, { ...INSPECT_LIMITS, maxEventBytes: 20 })
    const answer = await take(intake, [
      { key: KEY_A, name: 'one', logs: 2 },
      { key: KEY_B, name: 'a name of many letters', logs: 3 },
      { key: KEY_A2, name: 'three' },
    ])
    assert.deepEqual(answer, { rejected: 3, message: '3 of 6 refused: 3 larger than 20 bytes' })
    const parts = await storedParts(log)
    assert.deepEqual(
      parts.map(({ projectId, eventCount, refused }) => [projectId, eventCount, refused]),
      [
        ['project a', 3, []],
        ['project b', 3, [0, 1, 2]],
      ],
    )
    for (const { body, projectId, eventCount } of parts) {
      assert.equal(inspect(body, 'logs').eventCount, eventCount)
      const text = Buffer.from(body).toString('latin1')
      assert.ok(!text.includes('mr_'), 'no key is stored')
      assert.equal(text.includes('three'), projectId === 'project a')
    }
    assert.equal(stats.signals.logs.acceptedExports, 1)
    assert.equal(stats.signals.logs.acceptedEvents, 3)
    assert.deepEqual(stats.signals.logs.refusedEvents, { event_too_large: 3 })
  })

  test(`${contentType}: one wrong key among several refuses the whole export`, async () => {
    const { log, intake } = await setUp()
    const right = { key: KEY_A, name: 'one' }
    const cases: readonly [Resource, RefusalKind, RegExp][] = [
      [{ key: 'mr_wrong', name: 'two' }, 'unauthenticated', /not valid/],
      [{ key: '', name: 'two' }, 'unauthenticated', /not valid/],
      [{ name: 'two' }, 'unauthenticated', /resource 1 names no API key/],
      [{ key: KEY_READ, name: 'two' }, 'permission_denied', /lacks the scope ingest/],
    ]
    for (const [other, kind, message] of cases) {
      await assert.rejects(take(intake, [right, other]), refused(kind, message))
    }
    await assert.rejects(take(intake, [{ name: 'one' }]), refused('unauthenticated', /no API key: send the header/))
    await assert.rejects(take(intake, []), refused('unauthenticated', /no API key/))
    assert.deepEqual(await storedParts(log), [])
  })

  test(`${contentType}: with a key in the headers those in resources do not count, and are masked all the same`, async () => {
    const { log, intake } = await setUp()
    await take(intake, [{ key: KEY_B, name: 'one' }, { name: 'two' }], KEY_A)
    const [part] = await storedParts(log)
    assert.equal(part.projectId, 'project a')
    assert.ok(!Buffer.from(part.body).includes('mr_'))
    assert.ok(Buffer.from(part.body).includes('*'.repeat(KEY_B.length)))
  })

  test(`${contentType}: an export without events is well received and not stored`, async () => {
    const { log, stats, intake } = await setUp()
    assert.deepEqual(await take(intake, [{ name: 'one', logs: 0 }], KEY_A), { rejected: 0, message: '' })
    assert.deepEqual(await storedParts(log), [])
    assert.equal(stats.signals.logs.acceptedExports, 1)
  })

  test(`${contentType}: the same export again has the same key, another project's has not`, async () => {
    const { log, intake } = await setUp()
    for (const key of [KEY_A, KEY_A2, KEY_B]) await take(intake, [{ name: 'one' }], key)
    await take(intake, [{ name: 'two' }], KEY_A)
    const [first, second, third, fourth] = (await storedParts(log)).map(({ key }) => Buffer.from(key).toString('hex'))
    assert.equal(first.length, 32)
    assert.equal(first, second)
    assert.equal(new Set([first, third, fourth]).size, 3)
  })
}

test('a key written with escapes in JSON is masked too', async () => {
  const { log, intake } = await setUp()
  const escaped = [...KEY_A].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')
  const text = Buffer.from(bodyOf([{ key: KEY_A, name: 'one' }], 'application/json')).toString()
  const body = Buffer.from(text.replace(KEY_A, escaped).replace('x-api-key', 'x\\u002dapi-key'))
  await intake.take({ signal: 'logs', contentType: 'application/json', body, principal: null })
  const [part] = await storedParts(log)
  assert.equal(part.body.length, body.length)
  assert.ok(!Buffer.from(part.body).includes('\\u006d'))
  assert.equal(inspect(transcodeJson(part.body, 'logs'), 'logs').eventCount, 1)
})

test('one resource may not name two projects', async () => {
  const { intake } = await setUp()
  const attributes = [KEY_A, KEY_B].map((stringValue) => ({ key: 'x-api-key', value: { stringValue } }))
  const body = encodeLogs({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords: [{}] }] }] })
  const taken = intake.take({ signal: 'logs', contentType: 'application/x-protobuf', body, principal: null })
  await assert.rejects(taken, refused('unauthenticated', /the API keys of two projects/))
})

test('a body that is no export, or too much of one, is refused as a whole', async () => {
  const { log, intake } = await setUp(directory, { ...INSPECT_LIMITS, maxEvents: 2 })
  const principal = directory.authenticate(KEY_A)
  const take = (contentType: ContentType, body: Uint8Array) =>
    intake.take({ signal: 'logs', contentType, body, principal })
  await assert.rejects(
    take('application/x-protobuf', Buffer.from('hello')),
    refused('malformed', /no OTLP export of logs/),
  )
  await assert.rejects(take('application/json', Buffer.from('hello')), refused('malformed', /at byte 0/))
  const three = bodyOf([{ name: 'one', logs: 3 }], 'application/json')
  await assert.rejects(take('application/json', three), refused('too_large', /more than 2 events/))
  assert.deepEqual(await storedParts(log), [])
})

test('both reasons for refusing events are told with their counts', async () => {
  const { log, intake } = await setUp(directory, { maxEvents: 10, maxEventBytes: 100, maxAttributes: 1 })
  const many = { attributes: [{ key: 'a' }, { key: 'b' }] }
  const logRecords = [many, { eventName: 'x'.repeat(100) }, {}, many]
  const body = encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  const principal = directory.authenticate(KEY_A)
  assert.deepEqual(await intake.take({ signal: 'logs', contentType: 'application/x-protobuf', body, principal }), {
    rejected: 3,
    message: '3 of 4 refused: 1 larger than 100 bytes, 2 with more than 1 attributes',
  })
  const [part] = await storedParts(log)
  assert.deepEqual([part.eventCount, part.refused], [4, [0, 1, 3]])
})

test('a quota refuses the events that are over it, and only of its project', async () => {
  const keys = new MemoryDirectory()
    .add(KEY_A, 'project a')
    .add(KEY_B, 'project b')
    .limit('project a', { eventsPerDay: 3 })
  const { log, stats, intake } = await setUp(keys)
  const take = (resources: readonly Resource[]) =>
    intake.take({
      signal: 'logs',
      contentType: 'application/x-protobuf',
      body: bodyOf(resources, 'application/x-protobuf'),
      principal: null,
    })
  const own = (logs: number, name: string) => ({ key: KEY_A, name, logs })
  assert.deepEqual(await take([own(2, 'first')]), { rejected: 0, message: '' })
  assert.deepEqual(await take([own(3, 'second')]), {
    rejected: 2,
    message: '2 of 3 refused: 2 over the quota of the day',
  })
  await assert.rejects(take([own(1, 'third')]), refused('quota_exceeded', /quota of 3 events a day/))
  assert.deepEqual(await take([own(2, 'fourth'), { key: KEY_B, name: 'other' }]), {
    rejected: 2,
    message: '2 of 3 refused: 2 over the quota of the day',
  })
  const parts = await storedParts(log)
  assert.deepEqual(
    parts.map(({ projectId, eventCount, refused }) => [projectId, eventCount, refused]),
    [
      ['project a', 2, []],
      ['project a', 3, [1, 2]],
      ['project b', 1, []],
    ],
  )
  assert.equal(stats.signals.logs.refusedEvents.quota, 4)
  assert.equal(stats.signals.logs.acceptedEvents, 4)
})
