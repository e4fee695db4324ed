import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSessions, SESSION_COOKIE, SESSION_SECONDS, sessionCookie } from './sessions.ts'

const own = { host: 'localhost:8080', 'sec-fetch-site': 'same-origin' }
const asked = (id: string, headers: Record<string, string> = own) => ({
  headers: { ...headers, cookie: `other=1; ${SESSION_COOKIE}=${id}; last=2` },
})

describe('sessions', () => {
  it('stand for their key, for our own page only', () => {
    const sessions = createSessions()
    const id = sessions.open('the key')
    assert.match(id, /^[\w-]{43}$/)
    assert.equal(sessions.keyOf(asked(id)), 'the key')
    assert.equal(sessions.keyOf(asked('guessed')), null)
    assert.equal(sessions.keyOf({ headers: own }), null)
    for (const site of ['cross-site', 'same-site', 'none'])
      assert.equal(sessions.keyOf(asked(id, { ...own, 'sec-fetch-site': site })), null, site)
  })

  it('take Origin or Referer where the browser sends no Sec-Fetch-Site', () => {
    const sessions = createSessions()
    const id = sessions.open('the key')
    const host = 'mill.lan:8080'
    assert.equal(sessions.keyOf(asked(id, { host, origin: `http://${host}` })), 'the key')
    assert.equal(sessions.keyOf(asked(id, { host, referer: `http://${host}/events` })), 'the key')
    assert.equal(sessions.keyOf(asked(id, { host, origin: 'http://mill.lan:9999' })), null)
    assert.equal(sessions.keyOf(asked(id, { host, origin: 'null' })), null)
    assert.equal(sessions.keyOf(asked(id, { host })), null)
  })

  it('end after twelve hours, or when ended', () => {
    let now = 0
    const sessions = createSessions({ now: () => now })
    const [first, second] = [sessions.open('a'), sessions.open('b')]
    sessions.end(asked(first))
    assert.equal(sessions.keyOf(asked(first)), null)
    now = SESSION_SECONDS * 1000 - 1
    assert.equal(sessions.keyOf(asked(second)), 'b')
    now += 1
    assert.equal(sessions.keyOf(asked(second)), null)
  })

  it('are bounded: at the bound the oldest ends, and those that are over make room', () => {
    let now = 0
    const sessions = createSessions({ now: () => now, maxSessions: 3 })
    const ids = ['a', 'b', 'c', 'd'].map((key) => sessions.open(key))
    assert.equal(sessions.size, 3)
    assert.deepEqual(
      ids.map((id) => sessions.keyOf(asked(id))),
      [null, 'b', 'c', 'd'],
    )
    now = SESSION_SECONDS * 1000
    sessions.open('e')
    assert.equal(sessions.size, 1)
  })

  it('are cookies no script reads and no other site sends', () => {
    assert.equal(
      sessionCookie('id', true),
      `${SESSION_COOKIE}=id; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure`,
    )
    assert.match(sessionCookie(null, false), /=; .*Max-Age=0$/)
  })
})
