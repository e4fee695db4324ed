/** Where the value of `attributes->'a'->>'b'` may stand: dotted keys and nested objects are two spellings of one path. */

/**
 * Paths into the stored object, the first that has a value counts: keys joined by dots from the longest to the
 * shortest, then every dot a level. A number is an index and never joined.
 */
export function attributePaths(keys: readonly (string | number | bigint)[]): readonly (readonly string[])[] {
  const firstIndex = keys.findIndex((key) => typeof key !== 'string')
  const names = firstIndex < 0 ? keys.length : firstIndex
  const paths = new Map<string, readonly string[]>()
  const add = (path: readonly string[]) => paths.set(JSON.stringify(path), path)
  for (let joined = names; joined >= 1; joined--) {
    add([keys.slice(0, joined).join('.'), ...keys.slice(joined).map(String)])
  }
  add(keys.flatMap((key) => (typeof key === 'string' ? key.split('.') : [String(key)])))
  return [...paths.values()]
}
