/** Reading the plain JSON of our columns back (see `EXACT.md`): int64 and double apart, every digit kept. */

/** int64 is a bigint, double a number, an object has only own members, `__proto__` too. */
export type PlainJson = null | boolean | string | bigint | number | PlainJson[] | { readonly [key: string]: PlainJson }

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** @throws SyntaxError where the text is no JSON */
export function parsePlainJson(text: string): PlainJson {
  const revive: Reviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !/[.eE]/.test(source) ? BigInt(source) : value
  // The third parameter (ECMAScript's `JSON.parse` source text access) is not in TypeScript's library yet.
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}
