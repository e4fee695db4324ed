import assert from 'node:assert/strict'
import { createHmac, hash, pbkdf2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Principal, ScramUser } from '#schemas/directory.ts'
import { beginScram } from './scram.ts'

// RFC 7677, section 3.
const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const CLIENT_FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const CLIENT_FINAL =
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='

function verifier(key: string) {
  const salted = pbkdf2Sync(key, SALT, 4096, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const principal: Principal = { projectId: 'p', projectName: 'n', keyId: key, scopes: ['read'] }
  const serverKey = createHmac('sha256', salted).update('Server Key').digest()
  return { principal, storedKey: Buffer.from(hash('sha256', clientKey), 'hex'), serverKey }
}

const user = (...keys: string[]): ScramUser => ({ salt: SALT, iterations: 4096, verifiers: keys.map(verifier) })

describe('SCRAM-SHA-256', () => {
  it('is the exchange of RFC 7677, whichever key of the user it is', () => {
    for (const known of [user('pencil'), user('pen', 'pencil', 'paper')]) {
      const exchange = beginScram(known, CLIENT_FIRST, SERVER_NONCE)
      assert.equal(exchange.serverFirst, `r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)
      const found = exchange.finish(CLIENT_FINAL)
      assert.equal(found?.principal.keyId, 'pencil')
      assert.equal(found?.serverFinal, 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
    }
  })

  it('finds nobody for another key, or for a user without any', () => {
    for (const known of [user('pen', 'paper'), user()]) {
      assert.equal(beginScram(known, CLIENT_FIRST, SERVER_NONCE).finish(CLIENT_FINAL), null)
    }
  })

  it('refuses messages that are malformed or of another exchange', () => {
    for (const first of [
      '',
      'n',
      'n,,',
      'n,,n=user',
      'n,,n=user,r=',
      'p=tls-unique,,n=user,r=x',
      'n,,m=x,n=user,r=x',
      'x,,n=u,r=a',
    ]) {
      assert.throws(() => beginScram(user('pencil'), first, SERVER_NONCE), { name: 'ProtocolError' }, first)
    }
    const exchange = beginScram(user('pencil'), CLIENT_FIRST, SERVER_NONCE)
    const finals = [
      ...['', 'c=biws', CLIENT_FINAL.replace('biws', 'eSws'), CLIENT_FINAL.replace('r=r', 'r=s')],
      ...[CLIENT_FINAL.replace(/p=.*/, 'p='), CLIENT_FINAL.replace(/p=.*/, 'p=AAAA')],
    ]
    for (const final of finals) assert.throws(() => exchange.finish(final), { name: 'ProtocolError' }, final)
    const other = beginScram(user('pencil'), CLIENT_FIRST, 'another')
    assert.throws(() => other.finish(CLIENT_FINAL), /do not belong together/)
  })
})
