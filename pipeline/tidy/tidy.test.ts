/** Conventions that matter, as tests: a rule that is not a test is a wish. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')
const rooms = ['pipeline', 'schemas', 'topologies', 'sinks', 'ui', 'demo', 'end_to_end'] as const
const sources = globSync(`{${rooms.join(',')}}/**/*.{ts,tsx}`, { cwd: root }).concat(globSync('*.ts', { cwd: root }))
const texts = new Map(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')]))

/** What a file imports: paths from the root for our own files, names for packages. */
function importsOf(file: string): string[] {
  const found = texts
    .get(file)!
    .matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g)
  return [...found].map(([, from, dynamic]) => {
    const target = from ?? dynamic
    if (target.startsWith('#')) return target.slice(1)
    return target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target
  })
}

const isTest = (file: string) => /\.test\.ts$|\/conformance\.ts$|\/testing\/|\/docs\/guide\//.test(file)
const isBench = (file: string) => file.startsWith('pipeline/bench/')
const roomOf = (file: string) => file.split('/')[0]

describe('arrows', () => {
  const allowed: Record<string, readonly string[]> = {
    pipeline: ['pipeline'],
    schemas: ['schemas', 'pipeline'],
    topologies: ['topologies', 'schemas', 'pipeline'],
    sinks: ['sinks', 'schemas', 'pipeline'],
    ui: ['ui', 'schemas', 'pipeline'],
  }
  for (const [room, targets] of Object.entries(allowed)) {
    it(`${room} imports only ${targets.join(', ')}`, () => {
      for (const file of sources) {
        if (roomOf(file) !== room || isTest(file) || isBench(file)) continue
        for (const target of importsOf(file)) {
          const other = roomOf(normalize(target))
          const ours = (rooms as readonly string[]).includes(other) || target.endsWith('main.ts')
          assert.ok(!ours || targets.includes(other), `${file} imports ${target}`)
        }
      }
    })
  }

  it('the kernel knows nothing of telemetry: pipeline imports no schema, in tests neither', () => {
    for (const file of sources.filter((source) => roomOf(source) === 'pipeline' && !isBench(source))) {
      // The tidy tests and the guide read the whole house.
      if (file.startsWith('pipeline/tidy/') || file.startsWith('pipeline/docs/')) continue
      for (const target of importsOf(file))
        assert.ok(!/^(schemas|topologies|sinks|ui)\//.test(target), `${file} imports ${target}`)
    }
  })

  it('a stage does not import another stage', () => {
    for (const file of sources.filter((source) => source.startsWith('topologies/') && !isTest(source))) {
      const [, folder, rest] = file.split('/')
      if (rest === undefined) continue
      for (const target of importsOf(file)) {
        const [room, other] = target.split('/')
        assert.ok(room !== 'topologies' || other === folder, `${file} imports ${target}`)
      }
    }
  })

  it('the pure core of a stage knows neither RxJS, nor I/O, nor clocks', () => {
    for (const file of sources.filter((source) => /^topologies\/(?!receive)[^/]+\/[^/]+\.ts$/.test(source))) {
      if (isTest(file) || file.endsWith('.stage.ts')) continue
      for (const target of importsOf(file)) {
        assert.ok(
          !/^(rxjs|node:(fs|net|http|timers|child_process|worker_threads))/.test(target),
          `${file} imports ${target}`,
        )
      }
      assert.doesNotMatch(texts.get(file)!, /Date\.now\(|new Date\(\)|performance\.now|Math\.random/, file)
    }
  })
})

describe('one place for each', () => {
  const onlyIn: readonly [what: RegExp, places: RegExp][] = [
    [/^avsc$/, /^pipeline\/avro\//],
    [/^node:sqlite$/, /^pipeline\/(log\/embedded|state|bench)\//],
    [/^@grpc\/grpc-js$/, /^(topologies\/receive|end_to_end)\//],
    [/^pg(-copy-streams)?$/, /^(pipeline\/postgres|sinks\/lake\/pgwire|end_to_end)\//],
    [/^@aws-sdk\//, /^sinks\/store\//],
    [/^@duckdb\//, /^(sinks\/lake|pipeline\/bench)\//],
    [/^rxjs\/.+/, /^$/],
    [/^rxjs$/, /^(pipeline\/(stage|runtime|replay|testing|docs)\/|topologies\/)/],
  ]
  for (const [what, places] of onlyIn) {
    it(`${what.source} is imported in ${places.source}`, () => {
      for (const file of sources) {
        for (const target of importsOf(file))
          assert.ok(!what.test(target) || places.test(file), `${file} imports ${target}`)
      }
    })
  }

  it('what is in kafkajs is known to one file', () => {
    for (const [file, text] of texts) {
      if (file === 'pipeline/log/kafka/kafkajs.ts' || isTest(file)) continue
      assert.doesNotMatch(text, /kafkajs\/src|['"]kafkajs['"]/, file)
    }
  })

  it('Kafka is written to on one lane: a second would lose what the first believes stored', () => {
    const places = /^pipeline\/log\/kafka\/(produce_lane|requests)\.ts$/
    for (const [file, text] of texts) {
      if (places.test(file) || isTest(file)) continue
      assert.doesNotMatch(text, /produceRequest\(|\.produce\(|\.sendBatch\(|\.producer\(/, file)
    }
  })
})

describe('files', () => {
  it('fit a few screens', () => {
    for (const [file, text] of texts) {
      const limit = isTest(file) || isBench(file) ? 450 : 330
      const lines = text.split('\n').length
      assert.ok(lines <= limit, `${file} has ${lines} lines: would two files be clearer?`)
    }
  })

  it('are named for what they hold', () => {
    for (const file of sources) {
      assert.doesNotMatch(file, /util|helper|common|manager|misc/i, file)
      assert.match(file, /^[a-z0-9_/.]+$/, `${file}: snake_case`)
    }
  })

  it('say what is so, not what is to do', () => {
    for (const [file, text] of texts) {
      if (file.startsWith('pipeline/tidy/')) continue
      assert.doesNotMatch(text, /\b(TODO|FIXME|XXX|HACK)\b/, file)
      assert.doesNotMatch(text, /\.only\(|describe\.skip|it\.skip/, file)
    }
  })

  it('wait for conditions in tests, not for time', () => {
    for (const [file, text] of texts) {
      if (!file.endsWith('.test.ts')) continue
      assert.doesNotMatch(text, /await (sleep|delay)\(\d/, file)
    }
  })

  it('of a stage are always the same', () => {
    const folders = new Set(sources.filter((file) => file.endsWith('.stage.ts')).map(dirname))
    for (const folder of folders) {
      const name = folder.split('/').at(-1)
      for (const file of [`${name}.stage.ts`, `${name}.ts`, `${name}.test.ts`, 'README.md']) {
        assert.ok(existsSync(join(root, folder, file)), `${folder} has no ${file}`)
      }
    }
  })
})

describe('documents', () => {
  const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
  })
    .toString()
    .trim()
    .split('\n')

  it('link to what exists', () => {
    for (const file of documents) {
      const text = readFileSync(join(root, file), 'utf8')
      for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        assert.ok(existsSync(join(root, dirname(file), target)), `${file} links to ${target}`)
      }
    }
  })

  it('of decisions are one page, numbered, and say what was measured', () => {
    const decisions = documents.filter((file) => /docs\/decisions\/\d/.test(file))
    const numbers = decisions.map((file) => file.split('/').at(-1)!.slice(0, 4))
    assert.equal(new Set(numbers).size, numbers.length, `two decisions share a number: ${numbers}`)
    for (const file of decisions) {
      const text = readFileSync(join(root, file), 'utf8')
      assert.ok(text.split('\n').length <= 80, `${file} is over a page`)
      assert.match(text, /^# \d{4}/, file)
      for (const heading of ['Context', 'Decision', 'Consequences'])
        assert.match(text, new RegExp(`^## ${heading}`, 'm'), file)
    }
  })
})
