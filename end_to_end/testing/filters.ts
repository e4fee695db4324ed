/** Events and filters, made so that they often meet: values and literals come from the same small pools. */
import fc from 'fast-check'
import type { Signal } from '#pipeline/batch/batch.ts'
import type { EventRow } from '#sinks/lake/query/testing/fixture.ts'
import { micros } from '#sinks/lake/query/testing/fixture.ts'

const TEXTS = [
  '',
  'a',
  'A',
  'GET',
  'get /cart',
  "it's",
  'ſtraße',
  'STRASSE',
  'µ',
  'Μ',
  '\u212a',
  'K',
  'İı',
  '😀',
  '\ufffd',
  '\ue000',
  'a_b',
  'a%b',
  '50%',
  'x\ny',
  '\\',
  'tab\t"q"',
  'ΣΑΣ',
  'σας',
  '5.0',
  '200',
  'true',
  'é',
  'e\u0301',
  'ﬀ',
  'ᾳ',
  'ᾼ',
  'NaN',
] as const
const LONGS = [
  '0',
  '1',
  '-1',
  '200',
  '2147483647',
  '9223372036854775807',
  '-9223372036854775808',
  '9007199254740993',
] as const
const DOUBLES = ['0', '-0.0', '1.5', '0.1', '1e300', '-1e-7', '5', '200'] as const
const TIMES = [
  '2026-11-22T10:00:00Z',
  '2026-11-22T10:00:00.000001Z',
  '2026-11-21 23:59:59',
  '2026-11-22',
  '1969-12-31T23:59:59.9Z',
] as const
const JSONS = [
  '{"a":1}',
  '[1,2,"x"]',
  '"text"',
  '{"b":{"c":2.50,"d":null}}',
  '{"b.c":true}',
  '{"a":[{"b":"x\\u00e9"}, 1e21]}',
  'null',
  '{ "b" : { "c" : [ 1.0 , "y\\n\\u001f" ] } }',
  '-0',
  '1e400',
  '123456789012345678901',
] as const
const KEYS = [
  'a',
  'b',
  'b.c',
  'http.route',
  'http.response.status_code',
  'x/y~z',
  "o'k",
  'service.name',
  '1',
  '',
] as const

const from = <T>(pool: readonly T[]) => fc.constantFrom(...pool)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 3 })
const text = from(TEXTS)
const long = from(LONGS).map(BigInt)
const double = fc.oneof(from(DOUBLES).map(Number), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY))
const json = fc.oneof(
  from(JSONS),
  text.map((value) => JSON.stringify(value)),
)
const object = fc
  .dictionary(from(KEYS), from(JSONS.filter((value) => value !== '1e400')), { maxKeys: 3, noNullPrototype: true })
  .map(
    (members) =>
      `{${Object.entries(members)
        .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
        .join(',')}}`,
  )
const small = fc.integer({ min: -1, max: 500 }).map(BigInt)
const list = fc.array(text, { maxLength: 3 }).map((values) => JSON.stringify(values))

const SHARED = {
  timestamp: from(TIMES).map((time) => micros(/Z$|^.{10}$/.test(time) ? time : `${time}Z`)),
  resource___service___name: maybe(text),
  attributes___http___response___status_code: maybe(small),
  'attributes.b': maybe(fc.oneof(json)),
  'attributes.a': maybe(long),
  'attributes.http.route': maybe(text),
  'attributes.b.c': maybe(double),
  'attributes.rest': maybe(object),
  'resource.rest': maybe(object),
  'attributes.1': maybe(fc.boolean()),
}
const ROWS: Record<'logs' | 'metrics', fc.Arbitrary<EventRow>> = {
  logs: fc.record({
    ...SHARED,
    name: maybe(text),
    level: maybe(fc.constantFrom('ERROR', 'INFO')),
    body: maybe(json),
    duration: maybe(long),
    status_message: maybe(text),
    context___is_remote: maybe(fc.boolean()),
    hashes: maybe(list),
    end_time: maybe(from(TIMES).map((time) => micros(/Z$|^.{10}$/.test(time) ? time : `${time}Z`))),
  }),
  metrics: fc.record({ ...SHARED, metric_name: text, value: maybe(double), is_monotonic: maybe(fc.boolean()) }),
}

/** Six to ten rows of a batch: column types are told by the values, so every attribute keeps to one type. */
export function events(signal: 'logs' | 'metrics'): fc.Arbitrary<EventRow[]> {
  return fc.array(ROWS[signal], { minLength: 6, maxLength: 10 })
}

const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`
const comparator = fc.constantFrom('=', '<>', '!=', '<', '<=', '>', '>=')
const negation = fc.constantFrom('', 'NOT ')
const arrow = fc.oneof(from(KEYS).map(quoted), fc.constantFrom('0', '2'))
const attributePath = fc
  .tuple(fc.constantFrom('attributes', 'resource', 'body'), from(KEYS), fc.array(arrow, { maxLength: 2 }))
  .map(([root, first, more]) => {
    const keys = [quoted(first), ...more]
    return `${root}${keys.map((key, at) => `${at === keys.length - 1 ? '->>' : '->'}${key}`).join('')}`
  })
const pattern = fc
  .oneof(
    text,
    text.map((value) => `%${value.replace(/[\\%_]/g, '\\$&')}%`),
    fc
      .array(fc.constantFrom('%', '_', 'a', 'S', 'ſ', '\\%', 'µ', '😀', '/'), { maxLength: 5 })
      .map((parts) => parts.join('')),
  )
  .filter((value) => !/(^|[^\\])(\\\\)*\\$/.test(value))
const regex = fc.constantFrom(
  'a',
  '^a',
  '(?i)^strasse$',
  '.',
  '^.$',
  '[[:upper:]]',
  '\\d+',
  '(a|b)*c?',
  '\\pL',
  '^$',
  'a.*b',
  '(?s)x.y',
  '\\.0$',
  '"',
)

/** Conditions on one operand of a type. */
function tests(operand: fc.Arbitrary<string>, literal: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    fc.tuple(operand, comparator, literal).map((parts) => parts.join(' ')),
    fc
      .tuple(operand, negation, fc.array(literal, { minLength: 1, maxLength: 3 }))
      .map(([what, not, values]) => `${what} ${not}IN (${values.join(', ')})`),
    fc
      .tuple(operand, negation, literal, literal)
      .map(([what, not, low, high]) => `${what} ${not}BETWEEN ${low} AND ${high}`),
    fc.tuple(operand, negation).map(([what, not]) => `${what} IS ${not}NULL`),
  )
}
function matches(operand: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    fc
      .tuple(operand, negation, fc.constantFrom('LIKE', 'ilike'), pattern)
      .map(([what, not, how, value]) => `${what} ${not}${how} ${quoted(value)}`),
    fc.tuple(operand, fc.constantFrom('~', '!~'), regex).map(([what, how, value]) => `${what} ${how} ${quoted(value)}`),
  )
}

const COLUMNS: Record<
  'logs' | 'metrics',
  Record<'text' | 'long' | 'double' | 'boolean' | 'time' | 'json', readonly string[]>
> = {
  logs: {
    text: ['name', 'level', 'status_message', 'resource___service___name', 'kind'],
    long: ['duration', 'attributes___http___response___status_code'],
    double: [],
    boolean: ['context___is_remote'],
    time: ['timestamp', 'end_time', 'observed_timestamp'],
    json: ['body'],
  },
  metrics: {
    text: ['metric_name', 'resource___service___name', 'metric_unit'],
    long: ['value_int', 'attributes___http___response___status_code'],
    double: ['value'],
    boolean: ['is_monotonic'],
    time: ['timestamp'],
    json: ['exemplars'],
  },
}

/** Filters as people may write them, on the columns of {@link events}. */
export function filters(signal: Extract<Signal, 'logs' | 'metrics'>): fc.Arbitrary<string> {
  const columns = COLUMNS[signal]
  const path =
    signal === 'logs' ? attributePath : attributePath.map((written) => written.replace(/^body/, 'attributes'))
  const texts = fc.oneof(from(columns.text), path)
  const literal = text.map(quoted)
  const conditions = [
    tests(texts, literal),
    matches(fc.oneof(texts, from(columns.json))),
    tests(from(columns.long), from(LONGS)),
    tests(from(columns.time), from(TIMES).map(quoted)),
    fc.tuple(from(columns.json), negation).map(([what, not]) => `${what} IS ${not}NULL`),
    from(columns.boolean),
    tests(from(columns.boolean), fc.constantFrom('true', 'FALSE')),
    tests(fc.constant('date'), fc.constantFrom("'2026-11-22'", "'2026-11-21'")),
    text.filter((value) => value !== '').map((value) => `"${value.replaceAll('"', '""')}"`),
    fc.constantFrom('GET', 'text', '200', 'strasse'),
    ...(columns.double.length > 0 ? [tests(from(columns.double), from(DOUBLES))] : []),
    ...(signal === 'logs' ? [text.map((value) => `${quoted(value)} = ANY(hashes)`)] : []),
  ]
  return fc.letrec<{ filter: string }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', maxDepth: 4 },
      fc.oneof(...conditions),
      tie('filter').map((inner) => `NOT (${inner})`),
      fc
        .tuple(tie('filter'), fc.constantFrom('AND', 'or', ''), tie('filter'))
        .map(([left, how, right]) => `(${left}) ${how} (${right})`),
    ),
  })).filter
}
