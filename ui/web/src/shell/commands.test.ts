import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, commandsLike } from './commands.ts'

const command = (group: string, name: string): Command => ({ group, name, run: () => {} })
const all = [
  command('Go to', 'Traces'),
  command('Here', 'Open its trace'),
  command('Column', 'http.route'),
  ...Array.from({ length: 50 }, (_, at) => command('Column', `k${at}`)),
]
const names = (typed: string) => commandsLike(typed, all).map(({ name }) => name)

test('every word counts, in name or group; what begins with the first comes first', () => {
  assert.deepEqual(names('trace'), ['Traces', 'Open its trace'])
  assert.deepEqual(names('open'), ['Open its trace'])
  assert.deepEqual(names('route COLUMN'), ['http.route'])
  assert.deepEqual(names('nothing'), [])
})

test('a palette is no list of everything', () => {
  assert.equal(names('').length, 12)
})
