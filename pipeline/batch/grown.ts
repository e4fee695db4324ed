type Growable = Uint8Array | Uint32Array | BigInt64Array | Float64Array

/** A copy of a typed array with room for at least `size` elements; the size doubles, so that growing costs little. */
export function grown<T extends Growable>(array: T, size: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(64, size, array.length * 2))
  larger.set(array as never)
  return larger
}
