import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differencesOf } from './difference.ts'

test('only what differs, also deep within, lists of words as one', () => {
  const before = { name: 'shop', scopes: ['read'], users: [{ email: 'a' }], days: null, same: 1 }
  const after = { name: 'store', scopes: ['read', 'admin'], users: [{ email: 'b' }], days: 30, same: 1 }
  assert.deepEqual(differencesOf(before, after), [
    { name: 'name', before: 'shop', after: 'store' },
    { name: 'scopes', before: 'read', after: 'read, admin' },
    { name: 'users.0.email', before: 'a', after: 'b' },
    { name: 'days', before: 'null', after: '30' },
  ])
})

test('what is made has no before, what is ended no after', () => {
  assert.deepEqual(differencesOf(null, { name: 'x', origins: [] }), [
    { name: 'name', before: undefined, after: 'x' },
    { name: 'origins', before: undefined, after: 'none' },
  ])
  assert.deepEqual(differencesOf({ role: 'viewer' }, null), [{ name: 'role', before: 'viewer', after: undefined }])
  assert.deepEqual(differencesOf(null, null), [])
})
