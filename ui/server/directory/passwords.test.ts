import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import { cpuMs } from '#pipeline/testing/figures.ts'
import { generatePassword, hashPassword, passwordFits } from './passwords.ts'

describe('a password', () => {
  it('is stored as argon2id in PHC form, with a salt of its own', async () => {
    const [first, second] = await Promise.all([hashPassword('long enough'), hashPassword('long enough')])
    assert.notEqual(first, second)
    const [, salt, tag] = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$([\w+/]{22})\$([\w+/]{43})$/.exec(first)!
    const expected = argon2Sync('argon2id', {
      ...{ message: 'long enough', nonce: Buffer.from(salt, 'base64') },
      ...{ memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 },
    })
    assert.equal(tag, expected.toString('base64').replaceAll('=', ''))
  })

  it('fits itself, however its letters are composed, and nothing else', async () => {
    const stored = await hashPassword('correct horse é')
    assert.equal(await passwordFits('correct horse e\u0301', stored), true)
    for (const other of ['correct horse e', '', 'Correct horse é'])
      assert.equal(await passwordFits(other, stored), false)
    for (const broken of ['', 'correct horse é', '$argon2id$', stored.replace('argon2id', 'argon2i')])
      assert.equal(await passwordFits('correct horse é', broken), false, broken)
  })

  it('takes work where there is none to compare with', async () => {
    const started = process.cpuUsage()
    assert.equal(await passwordFits('anything', null), false)
    const { user, system } = process.cpuUsage(started)
    const cost = cpuMs(() =>
      argon2Sync('argon2id', {
        message: 'x',
        nonce: Buffer.alloc(16),
        memory: 19_456,
        passes: 2,
        parallelism: 1,
        tagLength: 32,
      }),
    )
    assert.ok((user + system) / 1000 > cost / 2, `${(user + system) / 1000} ms, not ${cost} ms`)
  })

  it('is tried by a bounded number at a time', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 40 }, () => passwordFits('x', null)))
    assert.equal(tries.filter(({ status }) => status === 'rejected').length, 8)
  })

  it('made up has a hundred random bits', () => {
    const made = Array.from({ length: 50 }, generatePassword)
    assert.equal(new Set(made).size, 50)
    for (const password of made) assert.match(password, /^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/)
  })
})
