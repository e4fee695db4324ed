/** Random exports with all that senders should not do: repeated keys, one key with several types, odd names. */
import type fc from 'fast-check'
import type { Signal } from '#pipeline/batch/batch.ts'
import { exportOf } from './arbitrary.ts'
import type { Export } from './by_value.ts'

/** Few, so that they meet: promoted ones, their older spellings, ones that clash with names of ours, an empty one. */
const KEYS = [
  'http.request.method',
  'http.method',
  'http.response.status_code',
  'http.status_code',
  'http.target',
  'url.path',
  'exception.type',
  'exception.message',
  'service.name',
  'deployment.environment',
  'deployment.environment.name',
  'error.type',
  'rest',
  'key',
  '__proto__',
  '10',
  'an "odd" \\ key\n',
  '',
]

export function oddExport(signal: Signal): fc.Arbitrary<Export> {
  return exportOf(signal).map((request) => odd(request) as Export)
}

function odd(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(odd)
  if (typeof value !== 'object' || value === null) return value
  const object = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, odd(member)]))
  if ('key' in object) object.key = KEYS[sum(String(object.key)) % KEYS.length]
  // Some names are longer than the column takes.
  for (const name of ['name', 'eventName']) {
    if (typeof object[name] === 'string' && sum(object[name]) % 3 === 0) object[name] = object[name].repeat(101)
  }
  // A kind and a status code that OTLP does not know (yet).
  if ('kind' in object && sum(JSON.stringify(object)) % 5 === 0) object.kind = 7
  return object
}

function sum(text: string): number {
  let total = text.length
  for (let at = 0; at < text.length; at++) total += text.charCodeAt(at)
  return total
}
