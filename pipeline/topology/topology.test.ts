import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mapBatch } from '../stage/operators.ts'
import { defineStage } from '../stage/stage.ts'
import { batchTopic, sourceTopic } from '../testing/samples.ts'
import { describe as describeTopology, mermaid } from './describe.ts'
import { defineTopology } from './topology.ts'

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
