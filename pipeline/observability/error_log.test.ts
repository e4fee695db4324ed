import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { createErrorLog, type ErrorLogOptions } from './error_log.ts'

describe('repeated errors', () => {
  let lines: unknown[] = []
  beforeEach(() => {
    lines = []
  })
  const open = (options: ErrorLogOptions = {}) =>
    createErrorLog({ error: (...said: unknown[]) => void lines.push(said) } as never, 'receiver', options)

  it('are one line, then a count every ten seconds while they go on', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const report = open()
    for (let times = 0; times < 1000; times++) report(new Error('the disk is full'))
    assert.deepEqual(lines, [[{ error: 'the disk is full' }, 'receiver']])
    t.mock.timers.tick(9_999)
    assert.equal(lines.length, 1)
    t.mock.timers.tick(1)
    assert.deepEqual(lines[1], [{ error: 'the disk is full', repeats: 999, within_ms: 10_000 }, 'receiver'])
    report(new Error('the disk is full'))
    assert.equal(lines.length, 2)
    t.mock.timers.tick(10_000)
    assert.deepEqual(lines[2], [{ error: 'the disk is full', repeats: 1, within_ms: 10_000 }, 'receiver'])
  })

  it('are news again after an interval without them', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const report = open()
    report('gone')
    t.mock.timers.tick(10_000)
    assert.equal(lines.length, 1, 'nothing to count')
    report('gone')
    assert.equal(lines.length, 2)
  })

  it('are told apart by message, up to a bound, and counted together beyond', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const report = open({ maxMessages: 2 })
    for (let number = 0; number < 100; number++) report(new Error(`failure ${number}`))
    assert.deepEqual(
      lines.map((line) => (line as [{ error: string }])[0].error),
      ['failure 0', 'failure 1', 'failure 2'],
    )
    t.mock.timers.tick(10_000)
    assert.deepEqual(lines.slice(3), [[{ error: 'various', repeats: 97, within_ms: 10_000 }, 'receiver']])
  })
})
