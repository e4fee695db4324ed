/** The values of one leaf column of one row group, as the encoders take them. */

export type LeafValues =
  | {
      readonly type: 'bytes'
      /** Entry `e` is `data[offsets[e]..offsets[e + 1])`; every entry is used, they need not be distinct. */
      readonly data: Uint8Array
      readonly offsets: Uint32Array
      /** The entry of each value. */
      readonly entries: Uint32Array
      /** True where each value shares much of its beginning with the one before: then prefixes are left out. */
      readonly prefixed?: boolean
    }
  | { readonly type: 'int32'; readonly values: Int32Array }
  | { readonly type: 'int64'; readonly values: BigInt64Array }
  | { readonly type: 'double'; readonly values: Float64Array }
  /** 0 or 1. */
  | { readonly type: 'boolean'; readonly values: Uint8Array }

export interface LeafData {
  /** Level entries: rows for a flat column, elements and empty or null lists for a repeated one. */
  readonly levels: number
  /** A definition level for each, or the one that all have. */
  readonly definitions: Uint8Array | number
  /** A repetition level for each; `null` where all are 0. */
  readonly repetitions: Uint8Array | null
  /** Only those at the maximum definition level. */
  readonly values: LeafValues
  /** False where minimum and maximum say nothing useful (JSON, long texts). */
  readonly ordered: boolean
}

/** A column without any value. */
export function nulls(type: LeafValues['type'], levels: number): LeafData {
  const none: LeafValues =
    type === 'bytes'
      ? { type, data: new Uint8Array(0), offsets: new Uint32Array(1), entries: new Uint32Array(0) }
      : type === 'int32'
        ? { type, values: new Int32Array(0) }
        : type === 'int64'
          ? { type, values: new BigInt64Array(0) }
          : type === 'double'
            ? { type, values: new Float64Array(0) }
            : { type, values: new Uint8Array(0) }
  return { levels, definitions: 0, repetitions: null, values: none, ordered: false }
}

export function valueCount(values: LeafValues): number {
  return values.type === 'bytes' ? values.entries.length : values.values.length
}
