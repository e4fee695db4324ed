import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHmac, hash, pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createFileDirectory } from './directory_file.ts'
import { ALL_SCOPES, addKey, listKeys, readKeyFile, revokeKey } from './key_file.ts'

function dataFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-keys-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('the first start makes project default and one key, later starts keep them', (context) => {
  const dataDir = join(dataFolder(context), 'data')
  const first = createFileDirectory({ dataDir })
  assert.match(first.firstKey!, /^mr_[0-9A-Za-z]{32}$/)
  const principal = first.authenticate(first.firstKey!)
  assert.equal(principal?.projectName, 'default')
  assert.deepEqual(principal?.scopes, ALL_SCOPES)
  const second = createFileDirectory({ dataDir })
  assert.equal(second.firstKey, null)
  assert.deepEqual(second.authenticate(first.firstKey!), principal)
  assert.equal(second.authenticate('mr_00000000000000000000000000000000'), null)
  assert.equal(second.authenticate(''), null)
})

test('the file is for its owner only and has no key in it', (context) => {
  const dataDir = dataFolder(context)
  const { firstKey } = createFileDirectory({ dataDir })
  const { key } = addKey(dataDir, { label: 'a collector', scopes: ['ingest'] })
  const file = join(dataDir, 'keys.json')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const text = readFileSync(file, 'utf8')
  for (const secret of [firstKey!, key]) assert.ok(!text.includes(secret) && !text.includes(secret.slice(3)))
})

test('what another process adds or revokes holds within 200 ms', async (context) => {
  const dataDir = dataFolder(context)
  let now = 0
  const directory = createFileDirectory({ dataDir, now: () => now })
  const script = `
    import { addKey, revokeKey } from ${JSON.stringify(new URL('./key_file.ts', import.meta.url))}
    const [, dataDir, revoked] = process.argv
    if (revoked === undefined) process.stdout.write(JSON.stringify(addKey(dataDir, { project: 'other', scopes: ['ingest'] })))
    else revokeKey(dataDir, revoked)`
  const run = async (...parameters: string[]) =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, dataDir, ...parameters])).stdout
  const { key, stored } = JSON.parse(await run())
  assert.equal(directory.authenticate(key), null, 'not looked at again yet')
  now += 200
  assert.deepEqual(directory.authenticate(key), {
    projectId: stored.project_id,
    projectName: 'other',
    keyId: stored.id,
    scopes: ['ingest'],
  })
  await run(stored.id)
  now += 199
  assert.notEqual(directory.authenticate(key), null)
  now += 1
  assert.equal(directory.authenticate(key), null)
  assert.equal(listKeys(dataDir).length, 1)
})

test('keys are listed with their projects; revoking an unknown one says so', (context) => {
  const dataDir = dataFolder(context)
  addKey(dataDir, { project: 'shop', label: 'checkout', scopes: ['read'] })
  addKey(dataDir, { project: 'shop' })
  const [first, second] = listKeys(dataDir)
  assert.deepEqual([first.project, first.label, first.scopes], ['shop', 'checkout', ['read']])
  assert.equal(second.project_id, first.project_id)
  assert.throws(() => revokeKey(dataDir, 'key_none'), /no API key with id key_none/)
})

test('the key of the settings works on project default and is not written down', (context) => {
  const dataDir = dataFolder(context)
  const directory = createFileDirectory({ dataDir, apiKey: 'a key of my own' })
  assert.equal(directory.firstKey, null, 'no other key is made unasked')
  assert.deepEqual(listKeys(dataDir), [])
  const principal = directory.authenticate('a key of my own')
  assert.deepEqual([principal?.projectName, principal?.keyId], ['default', 'MILLRACE_API_KEY'])
  assert.ok(!readFileSync(join(dataDir, 'keys.json'), 'utf8').includes(hash('sha256', 'a key of my own')))
})

test('a file that is not ours stops the start with a sentence that names it', (context) => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"version":2,"projects":[],"keys":[]}',
    '{"version":1,"projects":[{}],"keys":[]}',
  ]) {
    const dataDir = dataFolder(context)
    writeFileSync(join(dataDir, 'keys.json'), text)
    assert.throws(
      () => createFileDirectory({ dataDir }),
      (error: Error) => error instanceof OperatorError && /keys\.json is not a key file of ours/.test(error.message),
    )
    assert.equal(readFileSync(join(dataDir, 'keys.json'), 'utf8'), text, 'it is left as it was')
  }
})

test('a file that breaks while running is reported once, the keys before stay', (context) => {
  const dataDir = dataFolder(context)
  let now = 0
  const errors: unknown[] = []
  const directory = createFileDirectory({ dataDir, now: () => now, onError: (error) => errors.push(error) })
  writeFileSync(join(dataDir, 'keys.json'), 'broken')
  for (let round = 0; round < 3; round++) {
    now += 200
    assert.notEqual(directory.authenticate(directory.firstKey!), null)
  }
  assert.equal(errors.length, 1)
  rmSync(join(dataDir, 'keys.json'))
  now += 200
  assert.notEqual(directory.authenticate(directory.firstKey!), null)
  assert.match(String(errors[1]), /is gone/)
})

test('processes that change keys at once lose none', async (context) => {
  const dataDir = dataFolder(context)
  const script = `
    import { addKey } from ${JSON.stringify(new URL('./key_file.ts', import.meta.url))}
    for (let made = 0; made < 5; made++) addKey(process.argv[1])`
  const run = promisify(execFile)
  await Promise.all(
    Array.from({ length: 3 }, () => run(process.execPath, ['--input-type=module', '-e', script, dataDir])),
  )
  assert.equal(listKeys(dataDir).length, 15)
  assert.equal(readKeyFile(dataDir)!.projects.length, 1)
})

test('a lock left behind by a dead process is taken over', (context) => {
  const dataDir = dataFolder(context)
  const lock = join(dataDir, 'keys.json.lock')
  writeFileSync(lock, '')
  const longAgo = Date.now() / 1000 - 60
  utimesSync(lock, longAgo, longAgo)
  addKey(dataDir)
  assert.equal(statSync(lock, { throwIfNoEntry: false }), undefined)
})

test('a stored key lets SCRAM-SHA-256 check the key as a password', (context) => {
  const dataDir = dataFolder(context)
  const { key, stored } = addKey(dataDir)
  const salt = Buffer.from(readKeyFile(dataDir)!.projects[0].scram_salt, 'base64')
  // What a client computes, RFC 5802 section 3.
  const salted = pbkdf2Sync(key, salt, stored.scram.iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  assert.equal(hash('sha256', clientKey, 'base64'), stored.scram.stored_key)
  assert.equal(createHmac('sha256', salted).update('Server Key').digest('base64'), stored.scram.server_key)
})

test('every key of a project is a password of its name and its id, with one salt', (context) => {
  const dataDir = dataFolder(context)
  let now = 0
  const directory = createFileDirectory({ dataDir, apiKey: 'a key of my own', now: () => now })
  const { stored } = addKey(dataDir, { scopes: ['read'] })
  addKey(dataDir, { project: 'other' })
  now += 200
  const user = directory.scramUser('default')
  assert.deepEqual(directory.scramUser(stored.project_id), user)
  const ids = user.verifiers.map(({ principal }) => principal.keyId)
  assert.deepEqual(ids, [stored.id, 'MILLRACE_API_KEY'])
  const salted = pbkdf2Sync('a key of my own', user.salt, user.iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  assert.equal(Buffer.from(user.verifiers[1].storedKey).toString('base64'), hash('sha256', clientKey, 'base64'))
  revokeKey(dataDir, stored.id)
  now += 200
  assert.equal(directory.scramUser('default').verifiers.length, 1)
})

test('a user that does not exist has a salt like any other, the same after a restart, and no key', (context) => {
  const dataDir = dataFolder(context)
  const user = createFileDirectory({ dataDir }).scramUser('nobody')
  const known = createFileDirectory({ dataDir }).scramUser('default')
  assert.deepEqual(createFileDirectory({ dataDir }).scramUser('nobody'), user)
  assert.deepEqual([user.salt.length, user.iterations], [known.salt.length, known.iterations])
  assert.equal(user.verifiers.length, 0)
  assert.notDeepEqual(createFileDirectory({ dataDir }).scramUser('nobody2').salt, user.salt)
  assert.notDeepEqual(createFileDirectory({ dataDir: dataFolder(context) }).scramUser('nobody').salt, user.salt)
})
