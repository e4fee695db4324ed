import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { KeyValue, Metric } from './otlp.ts'
import { attributes, type Row, readMetric, readRows } from './testing/read.ts'

const TIME = '1767225600000000000'

function withoutId({ series_id, message_size_bytes, ...row }: Row): Row {
  assert.match(series_id as string, /^[0-9a-f]{32}$/)
  assert.ok((message_size_bytes as bigint) > 0n)
  return row
}

const EVERY_POINT = { timestamp: 1767225600000000n, flags: 0n, dropped_attributes_count: 0n }

describe('a metric', () => {
  it('gives a row for each point of a gauge', () => {
    const rows = readMetric({
      name: 'queue.depth',
      description: 'items waiting',
      unit: '{item}',
      metadata: attributes({ source: 'jmx' }),
      gauge: {
        dataPoints: [
          { timeUnixNano: TIME, asInt: '-7', attributes: attributes({ queue: 'a' }) },
          { timeUnixNano: TIME, asDouble: 1.5, flags: 1, startTimeUnixNano: '1767225599000000009' },
          { timeUnixNano: TIME },
        ],
      },
    })
    const metric = {
      ...EVERY_POINT,
      metric_name: 'queue.depth',
      metric_description: 'items waiting',
      metric_unit: '{item}',
      metric_type: 'GAUGE',
      metric_metadata: '{"source":"jmx"}',
    }
    assert.deepEqual(rows.map(withoutId), [
      { ...metric, value: -7, value_int: -7n, 'attributes.queue': 'a' },
      { ...metric, value: 1.5, value_double: 1.5, flags: 1n, start_timestamp: 1767225599000000n, start_nanos: 9n },
      metric,
    ])
  })

  it('without a name or unit has empty ones: the table wants them', () => {
    const [row] = readMetric({ gauge: { dataPoints: [{ timeUnixNano: TIME }] } })
    assert.equal(row.metric_name, '')
    assert.equal(row.metric_unit, '')
    assert.equal(row.metric_description, undefined)
  })

  it('of a sum says whether it is monotonic, and its temporality', () => {
    const sum = (aggregationTemporality: number, isMonotonic: boolean): Row =>
      readMetric({ sum: { aggregationTemporality, isMonotonic, dataPoints: [{ timeUnixNano: TIME, asInt: '1' }] } })[0]
    const cumulative = sum(2, true)
    assert.equal(cumulative.metric_type, 'SUM')
    assert.equal(cumulative.aggregation_temporality, 'CUMULATIVE')
    assert.equal(cumulative.is_monotonic, true)
    assert.equal(sum(1, false).aggregation_temporality, 'DELTA')
    assert.equal(sum(1, false).is_monotonic, false)
    assert.equal(sum(0, false).aggregation_temporality, 'UNSPECIFIED')
    assert.equal(sum(9, false).aggregation_temporality, 'UNSPECIFIED')
    assert.equal(sum(9, false).otlp_exact, '{"aggregationTemporality":9}')
  })

  it('of a histogram has its distribution', () => {
    const [full, least] = readMetric({
      name: 'latency',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [
          {
            timeUnixNano: TIME,
            count: '6',
            sum: 12.5,
            min: 0.5,
            max: 9,
            bucketCounts: ['1', '2', '3'],
            explicitBounds: [1, 2.5],
          },
          { timeUnixNano: TIME },
        ],
      },
    }).map(withoutId)
    const metric = {
      ...EVERY_POINT,
      metric_name: 'latency',
      metric_unit: '',
      metric_type: 'HISTOGRAM',
      aggregation_temporality: 'DELTA',
    }
    assert.deepEqual(full, {
      ...metric,
      value: 12.5,
      distribution_count: 6n,
      distribution_sum: 12.5,
      distribution_min: 0.5,
      distribution_max: 9,
      hist_bucket_counts: '[1,2,3]',
      hist_explicit_bounds: '[1.0,2.5]',
    })
    assert.deepEqual(least, { ...metric, distribution_count: 0n })
  })

  it('of an exponential histogram has both sides', () => {
    const [row] = readMetric({
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            timeUnixNano: TIME,
            count: '5',
            sum: -1,
            scale: -3,
            zeroCount: '2',
            zeroThreshold: 0.25,
            positive: { offset: -2, bucketCounts: ['1', '300'] },
            negative: {},
          },
        ],
      },
    }).map(withoutId)
    assert.deepEqual(row, {
      ...EVERY_POINT,
      metric_name: '',
      metric_unit: '',
      metric_type: 'EXPONENTIAL_HISTOGRAM',
      aggregation_temporality: 'CUMULATIVE',
      value: -1,
      distribution_count: 5n,
      distribution_sum: -1,
      exp_hist_scale: -3n,
      exp_hist_zero_count: 2n,
      exp_hist_zero_threshold: 0.25,
      exp_hist_pos_offset: -2n,
      exp_hist_pos_buckets: '[1,300]',
      exp_hist_neg_offset: 0n,
    })
  })

  it('of a summary has its quantiles', () => {
    const [row] = readMetric({
      summary: {
        dataPoints: [
          {
            timeUnixNano: TIME,
            count: '3',
            sum: 6,
            quantileValues: [
              { quantile: 0.5, value: 2 },
              { quantile: 1, value: 'NaN' },
            ],
          },
        ],
      },
    }).map(withoutId)
    assert.deepEqual(row, {
      ...EVERY_POINT,
      metric_name: '',
      metric_unit: '',
      metric_type: 'SUMMARY',
      value: 6,
      distribution_count: 3n,
      distribution_sum: 6,
      summary_quantiles: '[0.5,1.0]',
      summary_values: '[2.0,"NaN"]',
    })
  })

  it('has counts that are no int64 cut, and all of them in otlp_exact', () => {
    const large = String(2n ** 64n - 1n)
    const [row] = readMetric({
      histogram: {
        dataPoints: [{ timeUnixNano: TIME, count: large, bucketCounts: ['1', large], explicitBounds: [0] }],
      },
    })
    assert.equal(row.distribution_count, 2n ** 63n - 1n)
    assert.equal(row.hist_bucket_counts, '[1,9223372036854775807]')
    assert.deepEqual(JSON.parse(row.otlp_exact as string), { count: large, bucketCounts: ['1', large] })
  })

  it('keeps exemplars', () => {
    const exemplar = {
      timeUnixNano: TIME,
      asInt: '3',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
    }
    const point = { timeUnixNano: TIME, asInt: '1' }
    const exemplars = [{ ...exemplar, filteredAttributes: attributes({ user: 'a' }) }, { asDouble: 0.5 }]
    const [plain] = readMetric({ gauge: { dataPoints: [{ ...point, exemplars }] } })
    assert.deepEqual(JSON.parse(plain.exemplars as string), [
      { ...exemplar, filteredAttributes: { user: 'a' } },
      { asDouble: 0.5, filteredAttributes: {} },
    ])
    const odd = [{ key: 'b', value: { bytesValue: 'AA==' } }]
    const [exact] = readMetric({ gauge: { dataPoints: [{ ...point, exemplars: [{ filteredAttributes: odd }] }] } })
    assert.deepEqual(JSON.parse(exact.otlp_exact as string), { exemplars: [{ filteredAttributes: odd }] })
  })
})

describe('the id of a series', () => {
  const id = (metric: Metric, service = 'a', scope = 's'): unknown =>
    readRows('metrics', {
      resourceMetrics: [
        {
          resource: { attributes: attributes({ 'service.name': service, host: 'h' }) },
          scopeMetrics: [{ scope: { name: scope }, metrics: [metric] }],
        },
      ],
    })[0].series_id
  const gauge = (list: KeyValue[], changes: Partial<Metric> = {}): Metric => ({
    name: 'm',
    unit: 's',
    gauge: { dataPoints: [{ timeUnixNano: TIME, asInt: '1', attributes: list }] },
    ...changes,
  })
  const points = gauge([]).gauge?.dataPoints

  it('does not depend on the order of attributes, on time, value or neighbours', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 6 }), fc.integer(), (keys, seed) => {
        const list = keys.map((key, at): KeyValue => ({ key, value: { intValue: String(at) } }))
        const other = [...list].sort((a, b) => ((a.key!.length * 31 + seed) % 7) - ((b.key!.length * 31 + seed) % 7))
        const later = { timeUnixNano: '5', asDouble: 9, attributes: other.reverse() }
        const [, second] = readMetric({ ...gauge([]), gauge: { dataPoints: [{}, later] } })
        assert.equal(second.series_id, readMetric(gauge(list))[0].series_id)
      }),
    )
  })

  it('is another for every part that differs', () => {
    const list = attributes({ k: 'v', l: 'w' })
    const ids = [
      id(gauge(list)),
      id(gauge(list), 'b'),
      id(gauge(list), 'a', 't'),
      id(gauge(list, { name: 'n' })),
      id(gauge(list, { unit: 'ms' })),
      id(gauge(list, { name: 's', unit: 'm' })),
      id(gauge(attributes({ k: 'w', l: 'v' }))),
      id(gauge(attributes({ k: 'v' }))),
      id({ name: 'm', unit: 's', sum: { dataPoints: points } }),
      id({ name: 'm', unit: 's', gauge: { dataPoints: points } }),
    ]
    assert.equal(new Set(ids).size, ids.length)
  })

  it('is the same in every version of ours', () => {
    assert.equal(id(gauge(attributes({ k: 'v' }))), '8e51c0b95066361a3b5f4e4ad030dd59')
  })
})
