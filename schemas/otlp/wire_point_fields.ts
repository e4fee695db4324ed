/**
 * The fields of data points (opentelemetry-proto `metrics.proto`). The four kinds share most of them, under different
 * numbers; so a table by kind says which tag is which field.
 */
export const START = 1
export const TIME = 2
export const FLAGS = 3
export const ATTRIBUTE = 4
export const EXEMPLAR = 5
export const AS_DOUBLE = 6
export const AS_INT = 7
export const COUNT = 8
export const SUM = 9
export const MIN = 10
export const MAX = 11
export const BUCKET_COUNT = 12
export const BUCKET_COUNTS = 13
export const BOUND = 14
export const BOUNDS = 15
export const SCALE = 16
export const ZERO_COUNT = 17
export const ZERO_THRESHOLD = 18
export const POSITIVE = 19
export const NEGATIVE = 20
export const QUANTILE = 21

/** The fields of a kind of data point: by tag, which of the above it is. */
export interface Fields {
  readonly byTag: Uint8Array
  readonly attributeTag: number
  readonly exemplarTag: number
  /** Fields without presence: a point that leaves them out says 0. */
  readonly defaults: readonly number[]
}

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2

function fields(
  table: readonly (readonly [number: number, wireType: number, field: number])[],
  defaults: number[],
): Fields {
  const byTag = new Uint8Array(128)
  for (const [number, wireType, field] of table) byTag[(number << 3) | wireType] = field
  byTag[(2 << 3) | FIXED64] = START
  byTag[(3 << 3) | FIXED64] = TIME
  return { byTag, attributeTag: byTag.indexOf(ATTRIBUTE), exemplarTag: byTag.indexOf(EXEMPLAR), defaults }
}

const NUMBER = fields(
  [
    [4, FIXED64, AS_DOUBLE],
    [5, LENGTH, EXEMPLAR],
    [6, FIXED64, AS_INT],
    [7, LENGTH, ATTRIBUTE],
    [8, VARINT, FLAGS],
  ],
  [],
)

export const FIELDS = {
  GAUGE: NUMBER,
  SUM: NUMBER,
  HISTOGRAM: fields(
    [
      [4, FIXED64, COUNT],
      [5, FIXED64, SUM],
      [6, FIXED64, BUCKET_COUNT],
      [6, LENGTH, BUCKET_COUNTS],
      [7, FIXED64, BOUND],
      [7, LENGTH, BOUNDS],
      [8, LENGTH, EXEMPLAR],
      [9, LENGTH, ATTRIBUTE],
      [10, VARINT, FLAGS],
      [11, FIXED64, MIN],
      [12, FIXED64, MAX],
    ],
    [COUNT],
  ),
  EXPONENTIAL_HISTOGRAM: fields(
    [
      [1, LENGTH, ATTRIBUTE],
      [4, FIXED64, COUNT],
      [5, FIXED64, SUM],
      [6, VARINT, SCALE],
      [7, FIXED64, ZERO_COUNT],
      [8, LENGTH, POSITIVE],
      [9, LENGTH, NEGATIVE],
      [10, VARINT, FLAGS],
      [11, LENGTH, EXEMPLAR],
      [12, FIXED64, MIN],
      [13, FIXED64, MAX],
      [14, FIXED64, ZERO_THRESHOLD],
    ],
    [COUNT, SCALE, ZERO_COUNT, ZERO_THRESHOLD],
  ),
  SUMMARY: fields(
    [
      [4, FIXED64, COUNT],
      [5, FIXED64, SUM],
      [6, LENGTH, QUANTILE],
      [7, LENGTH, ATTRIBUTE],
      [8, VARINT, FLAGS],
    ],
    [COUNT, SUM],
  ),
} as const
