import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import { createAccess } from './access.ts'
import type { Caller } from './caller.ts'
import { createGate } from './gate.ts'
import { ApiError } from './problem.ts'
import { TokenBuckets } from './rate_limits.ts'

describe('token buckets', () => {
  it('give so many at once, then so many a second, and say when', () => {
    let now = 0
    const buckets = new TokenBuckets({ burst: 3, perSecond: 0.5, now: () => now })
    assert.deepEqual(
      [1, 2, 3, 4].map(() => buckets.take('a')),
      [0, 0, 0, 2],
    )
    assert.equal(buckets.take('b'), 0, 'another has its own')
    now = 1999
    assert.equal(buckets.take('a'), 1)
    now = 2000
    assert.deepEqual([buckets.take('a'), buckets.take('a')], [0, 2])
    now = 1e9
    assert.deepEqual(
      [1, 2, 3, 4].map(() => buckets.take('a')),
      [0, 0, 0, 2],
    )
  })

  it('take back what was for nothing, never more than there is room for', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1e-9, now: () => 0 })
    buckets.take('a')
    buckets.give('a')
    buckets.give('a')
    assert.equal(buckets.take('a'), 0)
    assert.notEqual(buckets.take('a'), 0)
  })

  it('are bounded: the one used longest ago gives way', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1e-9, maxBuckets: 2, now: () => 0 })
    for (const name of ['a', 'b', 'a', 'c']) buckets.take(name)
    assert.equal(buckets.size, 2)
    assert.notEqual(buckets.take('a'), 0, 'is still there')
    assert.equal(buckets.take('b'), 0, 'was forgotten')
  })
})

const refusal = (status: number) => (error: unknown) => error instanceof ApiError && error.status === status
const principal = { projectId: 'p', projectName: 'shop', keyId: 'k', scopes: ['read'] } as const
const access = createAccess({ directory: { authenticate: (key) => (key === 'mine' ? principal : null) } })
const caller: Caller = {
  ...{ kind: 'user', id: 'u', name: 'u', role: 'viewer', operator: false },
  ...{ projectId: 'p', projectName: 'shop' },
}
const one = { burst: 1, perSecond: 1e-9 }
const mine = { headers: { authorization: 'Bearer mine' } }

describe('the gate', () => {
  it('limits a caller wherever they are, and who is nobody by address', async () => {
    const gate = createGate({ access, requests: one })
    await gate.admit(mine, '1.1.1.1', 'viewer', undefined)
    await assert.rejects(gate.admit(mine, '2.2.2.2', 'viewer', undefined), refusal(429))
    await assert.rejects(gate.admit({ headers: {} }, '1.1.1.1', 'viewer', undefined), refusal(401))
    await assert.rejects(gate.admit({ headers: {} }, '1.1.1.1', 'viewer', undefined), refusal(429))
    await assert.rejects(gate.admit({ headers: {} }, '1.1.1.1', 'public', undefined), refusal(429))
    await gate.admit({ headers: {} }, '2.2.2.2', 'public', undefined)
  })

  it('limits guesses by address and account; what was right, or our fault, does not count', async () => {
    const gate = createGate({ access, attempts: one })
    const wrong = () => Promise.reject(new ApiError(401, '28P01', 'wrong'))
    const names = ['1.1.1.1', 'a@example.com']
    for (let at = 0; at < 5; at++) {
      await gate.attempt(names, async () => 'right')
      await assert.rejects(
        gate.attempt(names, () => Promise.reject(new TransientError('away'))),
        TransientError,
      )
    }
    await assert.rejects(gate.attempt(names, wrong), refusal(401))
    await assert.rejects(
      gate.attempt(names, () => assert.fail('nothing is tried')),
      refusal(429),
    )
    await assert.rejects(gate.attempt(['2.2.2.2', 'a@example.com'], wrong), refusal(429))
    await assert.rejects(gate.attempt(['1.1.1.1', 'b@example.com'], wrong), refusal(429))
    await assert.rejects(gate.attempt(['3.3.3.3', 'c@example.com'], wrong), refusal(401))
  })

  it('counts guesses that are made at the same time', async () => {
    const gate = createGate({ access, attempts: { ...one, burst: 3 } })
    let tried = 0
    const guesses = Array.from({ length: 50 }, () =>
      gate.attempt(['1.1.1.1'], async () => {
        tried++
        throw new ApiError(401, '28P01', 'wrong')
      }),
    )
    await Promise.allSettled(guesses)
    assert.equal(tried, 3)
  })

  it('knows whether somebody still may, in the project they were let in to', async () => {
    let role: 'viewer' | null = 'viewer'
    const gate = createGate({
      access: {
        identify: async () => ({ ...caller, projectId: 'elsewhere' }),
        within: async (_, project) => (role === null ? null : { ...caller, projectId: project, role }),
      },
    })
    assert.equal(await gate.stillAdmits(mine, caller, 'viewer'), true)
    assert.equal(await gate.stillAdmits(mine, caller, 'admin'), false)
    role = null
    assert.equal(await gate.stillAdmits(mine, caller, 'viewer'), false)
  })
})
