import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { telemetry } from '#topologies/telemetry.topology.ts'
import { type RoleFlags, rolesOf } from './roles.ts'

const PARTS = ['normalize', 'flatten_attributes', 'fingerprint_errors', 'lake']

describe('roles', () => {
  const running = (flags: RoleFlags) => PARTS.filter(rolesOf(flags).runs(telemetry))

  it('are all by default', () => {
    assert.ok(rolesOf({}).isWhole)
    assert.deepEqual(running({}), PARTS)
  })

  for (const [flags, roles, parts] of [
    [{ roles: 'receive' }, ['receive'], []],
    [{ roles: 'ui, query' }, ['query', 'ui'], []],
    [{ roles: 'stages' }, ['stages'], PARTS.slice(0, 3)],
    [{ roles: 'lake,receive' }, ['receive', 'lake'], ['lake']],
    [{ stage: ['normalize'] }, ['stages'], ['normalize']],
    [
      { roles: 'stages,lake', stage: ['normalize', 'flatten_attributes'] },
      ['stages', 'lake'],
      ['normalize', 'flatten_attributes', 'lake'],
    ],
  ] as const) {
    it(`${JSON.stringify(flags)} are a part`, () => {
      assert.deepEqual(rolesOf(flags).names, roles)
      assert.ok(!rolesOf(flags).isWhole)
      assert.deepEqual(running(flags), parts)
    })
  }

  it('that there are not are refused, saying which there are', () => {
    assert.throws(
      () => rolesOf({ roles: 'receive,stage' }),
      /no role stage: there are receive, stages, lake, query, ui/,
    )
    assert.throws(() => running({ stage: ['normalise'] }), /no stage normalise: there are normalize, /)
    assert.throws(() => rolesOf({ roles: 'lake', stage: ['normalize'] }), /needs the role stages/)
  })
})
