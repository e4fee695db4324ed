import type { Value } from '#pipeline/batch/column.ts'
import type { Buckets, DataPoint, Double, Exemplar, KeyValue, Metric } from './otlp.ts'
import { type PlainJson, parsePlainJson } from './plain_json.ts'
import { type Exact, entriesOf, given, keyValues, nanosOf, numberOf, type StoredRow, textOf } from './rebuild_value.ts'

const TEMPORALITIES = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE']

/** A stored data point as its metric with this one point. */
export function rebuildMetric(row: StoredRow, exact: Exact, attributes: KeyValue[] | undefined): Metric {
  const dataPoints = [rebuildPoint(row, exact, attributes)]
  const temporality = textOf(row.aggregation_temporality)
  const aggregationTemporality =
    (exact.aggregationTemporality as number) ?? (temporality && TEMPORALITIES.indexOf(temporality))
  const metric = given<Metric>({
    name: textOf(row.metric_name),
    description: textOf(row.metric_description),
    unit: textOf(row.metric_unit),
    metadata: (exact.metadata as KeyValue[]) ?? keyValues(row.metric_metadata),
  })
  switch (row.metric_type) {
    case 'GAUGE':
      return { ...metric, gauge: { dataPoints } }
    case 'SUM':
      return { ...metric, sum: { dataPoints, aggregationTemporality, isMonotonic: row.is_monotonic === true } }
    case 'HISTOGRAM':
      return { ...metric, histogram: { dataPoints, aggregationTemporality } }
    case 'EXPONENTIAL_HISTOGRAM':
      return { ...metric, exponentialHistogram: { dataPoints, aggregationTemporality } }
    default:
      return { ...metric, summary: { dataPoints } }
  }
}

function rebuildPoint(row: StoredRow, exact: Exact, attributes: KeyValue[] | undefined): DataPoint {
  const quantiles = doubles(row.summary_quantiles)
  const quantileValues = doubles(row.summary_values)
  return given<DataPoint>({
    attributes,
    startTimeUnixNano: nanosOf(row.start_timestamp, row.start_nanos),
    timeUnixNano: exact.time === undefined ? nanosOf(row.timestamp, row.timestamp_nanos) : undefined,
    flags: numberOf(row.flags),
    exemplars: (exact.exemplars as Exemplar[]) ?? exemplars(row.exemplars),
    asDouble: double(row.value_double),
    asInt: integer(row.value_int),
    count: (exact.count as string) ?? integer(row.distribution_count),
    sum: double(row.distribution_sum),
    min: double(row.distribution_min),
    max: double(row.distribution_max),
    bucketCounts: (exact.bucketCounts as string[]) ?? integers(row.hist_bucket_counts),
    explicitBounds: doubles(row.hist_explicit_bounds),
    scale: numberOf(row.exp_hist_scale),
    zeroCount: (exact.zeroCount as string) ?? integer(row.exp_hist_zero_count),
    zeroThreshold: double(row.exp_hist_zero_threshold),
    positive: (exact.positive as Buckets) ?? buckets(row.exp_hist_pos_offset, row.exp_hist_pos_buckets),
    negative: (exact.negative as Buckets) ?? buckets(row.exp_hist_neg_offset, row.exp_hist_neg_buckets),
    quantileValues: quantiles?.map((quantile, at) => ({ quantile, value: quantileValues?.[at] })),
  })
}

function double(value: Value | undefined): Double | undefined {
  if (typeof value !== 'number') return undefined
  return Number.isFinite(value) ? value : (String(value) as Double)
}

function integer(value: Value | undefined): string | undefined {
  return typeof value === 'bigint' ? String(value) : undefined
}

function integers(json: Value | undefined): string[] | undefined {
  return (array(json) as bigint[] | undefined)?.map(String)
}

/** Doubles as numbers, the three that JSON has none for as text: as OTLP/JSON has them, too. */
function doubles(json: Value | undefined): Double[] | undefined {
  return array(json) as Double[] | undefined
}

function array(json: Value | undefined): PlainJson[] | undefined {
  const text = textOf(json)
  return text === undefined ? undefined : (parsePlainJson(text) as PlainJson[])
}

function buckets(offset: Value | undefined, counts: Value | undefined): Buckets | undefined {
  return typeof offset === 'bigint'
    ? given<Buckets>({ offset: Number(offset), bucketCounts: integers(counts) })
    : undefined
}

function exemplars(json: Value | undefined): Exemplar[] | undefined {
  return array(json)?.map((plain) => {
    const exemplar = plain as { readonly [key: string]: PlainJson }
    const filteredAttributes = entriesOf(exemplar.filteredAttributes as { readonly [key: string]: PlainJson })
    return { ...(exemplar as Exemplar), filteredAttributes }
  })
}
