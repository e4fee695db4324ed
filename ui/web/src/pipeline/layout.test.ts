import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INPUT, layoutOf, NODE } from './layout.ts'

const stage = (name: string, consumes: string, produces: string) => ({ name, consumes, produces })

test('columns by distance from the source, rows by order, topics between', () => {
  const { nodes, edges, width, height } = layoutOf({
    stages: [stage('a', 'raw', 't1'), stage('b', 't1', 't2'), stage('c', 't1', 't3')],
    sinks: [{ name: 'lake', consumes: 't2' }],
  })
  const at = (name: string) => nodes.find((node) => node.name === name)!
  assert.ok(at(INPUT).x < at('a').x && at('a').x < at('b').x && at('b').x < at('lake').x)
  assert.equal(at('b').x, at('c').x)
  assert.ok(at('c').y - at('b').y > NODE.height)
  assert.deepEqual(
    edges.map(({ topic, from, to, named }) => [topic, from.name, to.name, named]),
    [
      ['raw', INPUT, 'a', true],
      ['t1', 'a', 'b', true],
      ['t1', 'a', 'c', false],
      ['t2', 'b', 'lake', true],
    ],
  )
  for (const { x, y } of nodes) assert.ok(x >= 0 && x + NODE.width <= width && y >= 0 && y + NODE.height <= height)
})

test('parts never stand on one another, however many there are', () => {
  const sinks = Array.from({ length: 9 }, (_, at) => ({ name: `s${at}`, consumes: 'raw' }))
  const places = layoutOf({ stages: [], sinks }).nodes.map(({ x, y }) => `${x},${y}`)
  assert.equal(new Set(places).size, 10)
})
