import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Command, parseCommand } from './commands.ts'
import { SessionSettings } from './session_settings.ts'
import { splitStatements } from './statements.ts'

const set = (name: string, value: string | null, tag: 'SET' | 'RESET' = 'SET'): Command => ({
  kind: 'set',
  name,
  value,
  tag,
})

const COMMANDS: readonly (readonly [sql: string, command: Command | null])[] = [
  ['SET x = 1', set('x', '1')],
  ['set session x to DEFAULT', set('x', null)],
  ["SET LOCAL statement_timeout TO '5 s'", set('statement_timeout', '5 s')],
  ['SET statement_timeout = 5s', set('statement_timeout', '5s')],
  ['SET search_path = public, "$user"', set('search_path', 'public, $user')],
  ["/* a */ SET -- b\n application_name = 'it''s'", set('application_name', "it's")],
  ['SET my.own = off', set('my.own', 'off')],
  ["SET TIME ZONE 'UTC'", set('TimeZone', 'UTC')],
  ["SET NAMES 'UTF8'", set('client_encoding', 'UTF8')],
  ['SET x = -1.5', set('x', '-1.5')],
  ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', { kind: 'nothing', tag: 'SET' }],
  ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', { kind: 'nothing', tag: 'SET' }],
  ['RESET x', set('x', null, 'RESET')],
  ['RESET ALL', { kind: 'reset_all' }],
  ['DISCARD ALL', { kind: 'discard_all' }],
  ['SHOW x', { kind: 'show', name: 'x' }],
  ['SHOW TRANSACTION ISOLATION LEVEL', { kind: 'show', name: 'transaction_isolation' }],
  ['BEGIN ISOLATION LEVEL READ COMMITTED', { kind: 'begin', tag: 'BEGIN' }],
  ['START TRANSACTION', { kind: 'begin', tag: 'START TRANSACTION' }],
  ['END', { kind: 'commit', tag: 'COMMIT' }],
  ['ROLLBACK WORK', { kind: 'rollback', tag: 'ROLLBACK' }],
  ['ROLLBACK TO SAVEPOINT a', { kind: 'savepoint', rollback: true, tag: 'ROLLBACK' }],
  ['RELEASE a', { kind: 'savepoint', rollback: false, tag: 'RELEASE' }],
  ['DEALLOCATE PREPARE "A b"', { kind: 'deallocate', name: 'A b', tag: 'DEALLOCATE' }],
  ['DEALLOCATE ALL', { kind: 'deallocate', name: null, tag: 'DEALLOCATE ALL' }],
  ['DECLARE "C" NO SCROLL CURSOR FOR SELECT 1', { kind: 'declare', name: 'C', sql: `${' '.repeat(32)} SELECT 1` }],
  ['declare C cursor without hold for\nselect 2', { kind: 'declare', name: 'c', sql: `${' '.repeat(33)}\nselect 2` }],
  ['FETCH c', { kind: 'fetch', name: 'c', count: 1 }],
  ['FETCH NEXT FROM c', { kind: 'fetch', name: 'c', count: 1 }],
  ['FETCH FORWARD 100 FROM _psql_cursor', { kind: 'fetch', name: '_psql_cursor', count: 100 }],
  ['fetch all in "C"', { kind: 'fetch', name: 'C', count: Number.POSITIVE_INFINITY }],
  ['CLOSE C', { kind: 'close', name: 'c' }],
  ['CLOSE ALL', { kind: 'close', name: null }],
  ['UNLISTEN *', { kind: 'nothing', tag: 'UNLISTEN' }],
  ['SELECT 1', null],
  ['settings', null],
  ['', null],
  ["'SET x = 1'", null],
]

describe('commands', () => {
  for (const [sql, command] of COMMANDS) it(JSON.stringify(sql), () => assert.deepEqual(parseCommand(sql), command))

  it('that are cut short say so', () => {
    for (const sql of [
      'SET',
      'SET x',
      'SET x =',
      'SHOW',
      'RESET',
      'DEALLOCATE',
      'SHOW a b',
      'START',
      'DECLARE c',
      'FETCH',
      'FETCH 1',
      'CLOSE',
      'CLOSE a b',
    ]) {
      assert.throws(
        () => parseCommand(sql),
        (cause: { problem?: { code: string } }) => cause.problem?.code === '42601',
        sql,
      )
    }
  })

  it('a cursor here cannot follow are refused', () => {
    for (const sql of [
      'DECLARE c SCROLL CURSOR FOR SELECT 1',
      'DECLARE c BINARY CURSOR FOR SELECT 1',
      'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
      'FETCH PRIOR FROM c',
      'FETCH -1 FROM c',
    ]) {
      assert.throws(
        () => parseCommand(sql),
        (cause: { problem?: { code: string } }) => cause.problem?.code === '0A000',
        sql,
      )
    }
  })

  it('of more than a hundred words are refused', () => {
    assert.doesNotThrow(() => parseCommand(`SET x = ${'a '.repeat(97)}`))
    assert.throws(() => parseCommand(`SET x = ${'a '.repeat(98)}`), {
      problem: { fault: 'user', code: '54000', message: 'a command has at most 100 words' },
    })
  })
})

describe('a query string', () => {
  it('is cut at semicolons that are code', () => {
    const sql = `SELECT ';', ";", $$;$$ /* ; */; -- ; nothing\n; 'x'; \n SELECT 2`
    assert.deepEqual(
      splitStatements(sql).map(({ sql, offset }) => [sql.trim(), offset]),
      [[`SELECT ';', ";", $$;$$ /* ; */`, 0], ["'x'", 46], ['SELECT 2', 51]], // biome-ignore format: pairs
    )
    assert.deepEqual(splitStatements(' ;; /* */ -- '), [])
  })

  it('loses nothing and stays in its place', () => {
    const piece = fc.constantFrom('SELECT 1', ';', ' ', "'", '"', '--', '\n', '/*', '*/', '$$', 'é', '\\', 'E')
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('')
        for (const { sql, offset } of splitStatements(text)) {
          assert.equal(text.slice(offset, offset + sql.length), sql)
          assert.notEqual(sql.trim(), '')
        }
      }),
    )
  })
})

describe('settings of a session', () => {
  it('have a bound', () => {
    const settings = new SessionSettings('me')
    for (let at = 0; at < 100; at++) settings.set(`own.s${at}`, 'x'.repeat(1000))
    assert.throws(() => settings.set('own.more', 'x'), /at most 100 settings/)
    assert.throws(() => settings.set('own.s1', 'x'.repeat(1001)), /invalid value/)
    settings.set('own.s1', null)
    settings.set('own.more', 'x')
    settings.reset()
    assert.throws(() => settings.get('own.more'), /unrecognized/)
  })

  it('read a timeout in any unit', () => {
    const settings = new SessionSettings('me')
    for (const [value, timeoutMs, shown] of [
      ...[
        ['5000', 5000, '5s'],
        ['1.5min', 90_000, '90s'],
        ['250 ms', 250, '250ms'],
        ['2h', 7_200_000, '2h'],
      ],
      ...[
        ['0', undefined, '0'],
        ['1', 1, '1ms'],
        ['1d', 86_400_000, '1d'],
      ],
    ] as [string, number | undefined, string][]) {
      settings.set('statement_timeout', value)
      assert.equal(settings.statementTimeoutMs, timeoutMs)
      assert.equal(settings.get('statement_timeout').value, shown)
    }
    for (const value of ['', '-1', 'soon', '5 weeks', '25d', '1e3']) {
      assert.throws(() => settings.set('statement_timeout', value), /invalid value/, value)
    }
  })

  it('warn of another time zone, and refuse what would change answers', () => {
    const settings = new SessionSettings('me')
    assert.equal(settings.set('TimeZone', 'Etc/UTC'), null)
    assert.match(settings.set('timezone', 'Europe/Berlin')!, /UTC/)
    assert.equal(settings.get('TIMEZONE').value, 'UTC')
    for (const [name, value] of [
      ['client_encoding', 'LATIN1'],
      ['DateStyle', 'German'],
      ['standard_conforming_strings', 'off'],
      ['server_version', '9'],
    ]) {
      assert.throws(() => settings.set(name, value), { name: 'QueryError' }, name)
    }
    for (const name of ['utf8', 'UTF-8', "'utf-8'", 'Unicode']) settings.set('client_encoding', name)
    assert.doesNotThrow(() => settings.set('jit', 'off'))
  })
})
