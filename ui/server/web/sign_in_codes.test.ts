import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CODE_SECONDS, createSignInCodes } from './sign_in_codes.ts'

describe('sign-in codes', () => {
  it('stand for their key once', () => {
    const codes = createSignInCodes()
    const code = codes.open('the key')
    assert.match(code, /^[\w-]{43}$/)
    assert.equal(codes.take('guessed'), null)
    assert.equal(codes.take(code), 'the key')
    assert.equal(codes.take(code), null)
  })

  it('are over after a minute', () => {
    let now = 0
    const codes = createSignInCodes({ now: () => now })
    const [first, second] = [codes.open('a'), codes.open('b')]
    now = CODE_SECONDS * 1000 - 1
    assert.equal(codes.take(first), 'a')
    now += 1
    assert.equal(codes.take(second), null)
  })

  it('are bounded: at the bound the oldest ends', () => {
    const codes = createSignInCodes({ maxCodes: 2 })
    const opened = ['a', 'b', 'c'].map((key) => codes.open(key))
    assert.deepEqual(
      opened.map((code) => codes.take(code)),
      [null, 'b', 'c'],
    )
  })
})
