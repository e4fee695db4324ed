import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mapBatch } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { defineTransform } from '../stage/transform.ts'
import { batchTopic, sourceTopic } from '../testing/samples.ts'
import { describe as describeTopology, mermaid } from './describe.ts'
import { defineTopology, type Topology } from './topology.ts'

const raw = sourceTopic('test.raw.v1')
const [one, two, three] = ['one', 'two', 'three'].map((name) => batchTopic(`test.${name}.v1`))
const stage = (name: string, consumes: typeof one, produces: typeof one) =>
  defineStage({ name, consumes, produces, build: () => mapBatch((batch) => batch) })

describe('a topology', () => {
  it('puts its stages in the order data meets them and describes itself', () => {
    const topology = defineTopology('test', [
      stage('second', one, two),
      stage('first', raw, one),
      stage('side', one, three),
    ])
    assert.deepEqual(
      topology.stages.map(({ name }) => name),
      ['first', 'second', 'side'],
    )
    assert.equal(
      mermaid(describeTopology(topology)),
      `flowchart LR
  test_raw_v1[(test.raw.v1)]
  test_one_v1[(test.one.v1)]
  test_two_v1[(test.two.v1)]
  test_three_v1[(test.three.v1)]
  test_raw_v1 --> first[first] --> test_one_v1
  test_one_v1 --> second[second] --> test_two_v1
  test_one_v1 --> side[side] --> test_three_v1
`,
    )
  })

  for (const [fault, build, message] of [
    ['two parts of one name', () => [stage('a', raw, one), stage('a', one, two)], /two parts are called a/],
    ['two producers of a topic', () => [stage('a', raw, one), stage('b', raw, one)], /a and b both produce/],
    ['a topic nobody produces', () => [stage('a', two, one)], /reads test.two.v1, which nothing produces/],
    ['a circle', () => [stage('a', one, two), stage('b', two, one)], /is a circle/],
    ['a stage that writes a source', () => [stage('a', raw, sourceTopic('test.other.v1'))], /produces the source/],
  ] as const) {
    it(`refuses ${fault}`, () => assert.throws(() => defineTopology('test', build()), message))
  }

  it('refuses a sink without a producer', () => {
    const sink = { name: 'sink', consumes: two, open: async () => assert.fail() }
    assert.throws(() => defineTopology('test', [stage('a', raw, one)], [sink]), /sink sink reads test.two.v1/)
  })
})

describe('inserting a stage of one’s own', () => {
  const transform = (name: string) => defineTransform({ name, build: () => mapBatch((batch) => batch) })
  const topology = defineTopology('test', [stage('first', raw, one), stage('second', one, two)])
  const arrows = (inserted: Topology) =>
    inserted.stages.map((part) => `${part.consumes.name} ${part.name} ${part.produces.name}`)

  it('leaves the topics others read where they are', () => {
    assert.deepEqual(arrows(topology.insert(transform('mine'), { after: 'first' })), [
      'test.raw.v1 first test.mine.in.v1',
      'test.mine.in.v1 mine test.one.v1',
      'test.one.v1 second test.two.v1',
    ])
  })

  it('works behind the last stage, and behind another of one’s own', () => {
    const both = topology.insert(transform('mine'), { after: 'second' }).insert(transform('more'), { after: 'mine' })
    assert.deepEqual(arrows(both).slice(1), [
      'test.one.v1 second test.mine.in.v1',
      'test.mine.in.v1 mine test.more.in.v1',
      'test.more.in.v1 more test.two.v1',
    ])
  })

  it('refuses a place that does not exist, saying which do', () => {
    assert.throws(
      () => topology.insert(transform('mine'), { after: 'third' }),
      /after third, but the stages are first, second/,
    )
  })
})
