import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withColumns } from '#pipeline/batch/batch.ts'
import { type Column, type ColumnType, columnOf, type Value, valueAt } from '#pipeline/batch/column.ts'
import { describeStage } from '#pipeline/testing/describe_stage.ts'
import { StageTestDriver } from '#pipeline/testing/driver.ts'
import { batchOfGolden, describeGolden, type GoldenBatch } from '#pipeline/testing/golden.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { flattenAttributes } from './flatten_attributes.stage.ts'
import { flatten } from './flatten_attributes.ts'
import { PROMOTED, targetsOf } from './promotion.ts'

type Columns = Readonly<Record<string, readonly [ColumnType, readonly Value[]]>>

/** What becomes of these columns; columns without a value are left out. */
function flattened(columns: Columns): Record<string, Value[]> {
  const rows = Object.values(columns)[0][1].length
  const batch = flatten(batchOf(0, columns), targetsOf('logs', PROMOTED))
  const values = (column: Column): Value[] => Array.from({ length: rows }, (_, row) => valueAt(column, row))
  return Object.fromEntries([...batch.columns].map(([name, column]) => [name, values(column)]))
}

describe('flattening', () => {
  it('renames columns whose key and type are those of the table, and touches no other', () => {
    const batch = batchOf(0, {
      'attributes.http.request.method': ['text', ['GET', null]],
      'attributes.http.response.status_code': ['long', [200n, 404n]],
      'attributes.unheard.of': ['text', ['a', 'b']],
      'resource.service.name': ['text', ['shop', 'shop']],
      body: ['json', ['"x"', null]],
    })
    const flat = flatten(batch, targetsOf('logs', PROMOTED))
    assert.deepEqual([...flat.columns.keys()].sort(), [
      'attributes.unheard.of',
      'attributes___http___request___method',
      'attributes___http___response___status_code',
      'body',
      'resource___service___name',
    ])
    for (const [before, after] of [
      ['attributes.http.request.method', 'attributes___http___request___method'],
      ['resource.service.name', 'resource___service___name'],
    ]) {
      assert.equal(flat.columns.get(after), batch.columns.get(before), 'the very same column')
    }
  })

  it('knows the older spellings, and keeps them as they were sent', () => {
    assert.deepEqual(
      flattened({
        'attributes.http.method': ['text', ['GET']],
        'attributes.http.status_code': ['long', [200n]],
        'attributes.http.url': ['text', ['https://a/b']],
        'attributes.net.peer.name': ['text', ['a']],
        'attributes.db.statement': ['text', ['select 1']],
        'resource.deployment.environment': ['text', ['prod']],
      }),
      {
        'attributes.http.method': ['GET'],
        'attributes.http.status_code': [200n],
        'attributes.http.url': ['https://a/b'],
        'attributes.net.peer.name': ['a'],
        'attributes.db.statement': ['select 1'],
        'resource.deployment.environment': ['prod'],
        attributes___http___request___method: ['GET'],
        attributes___http___response___status_code: [200n],
        attributes___url___full: ['https://a/b'],
        attributes___server___address: ['a'],
        attributes___db___query___text: ['select 1'],
        resource___deployment___environment___name: ['prod'],
      },
    )
  })

  it('takes a path and a query out of an older target', () => {
    const flat = flattened({ 'attributes.http.target': ['text', ['/a/b?c=d&e#f', '/a', '?q', null]] })
    assert.deepEqual(flat.attributes___url___path, ['/a/b', '/a', null, null])
    assert.deepEqual(flat.attributes___url___query, ['c=d&e', null, 'q', null])
  })

  it("prefers today's key, row by row, and then keeps it beside the older one", () => {
    assert.deepEqual(
      flattened({
        'attributes.http.request.method': ['text', ['GET', null, 'PUT', null]],
        'attributes.http.method': ['text', [null, 'POST', 'DELETE', null]],
      }),
      {
        // Where both were sent, only `attributes` can tell.
        'attributes.http.request.method': [null, null, 'PUT', null],
        'attributes.http.method': [null, 'POST', 'DELETE', null],
        attributes___http___request___method: ['GET', 'POST', 'PUT', null],
      },
    )
  })

  it('converts what loses nothing by it, and keeps the value as sent', () => {
    assert.deepEqual(flattened({ 'attributes.server.port': ['text', ['80', '080', 'http', '99999999999', '-1']] }), {
      'attributes.server.port': ['80', '080', 'http', '99999999999', '-1'],
      attributes___server___port: [80n, null, null, null, -1n],
    })
    assert.deepEqual(flattened({ 'attributes.server.port': ['double', [80, 80.5, Number.NaN, null, 1e300]] }), {
      'attributes.server.port': [80, 80.5, Number.NaN, null, 1e300],
      attributes___server___port: [80n, null, null, null, null],
    })
    assert.deepEqual(flattened({ 'attributes.user.id': ['long', [7n, null]] }), {
      'attributes.user.id': [7n, null],
      attributes___user___id: ['7', null],
    })
    assert.deepEqual(flattened({ 'attributes.user.id': ['boolean', [true, null]] }), {
      'attributes.user.id': [true, null],
      attributes___user___id: ['true', null],
    })
  })

  it('leaves what does not convert alone', () => {
    const columns: Columns = {
      'attributes.user.id': ['json', ['["a"]']],
      'attributes.user.name': ['double', [1.5]],
      'attributes.server.port': ['boolean', [true]],
    }
    assert.deepEqual(flattened(columns), {
      'attributes.user.id': ['["a"]'],
      'attributes.user.name': [1.5],
      'attributes.server.port': [true],
    })
  })

  it('keeps integers outside the range of the column where they are, and only those', () => {
    const large = 2n ** 31n
    assert.deepEqual(
      flattened({ 'attributes.server.port': ['long', [80n, large, null, large - 1n, -large, -large - 1n]] }),
      {
        'attributes.server.port': [null, large, null, null, null, -large - 1n],
        attributes___server___port: [80n, null, null, large - 1n, -large, null],
      },
    )
    assert.deepEqual(flattened({ 'attributes.http.request.body.size': ['long', [2n ** 62n]] }), {
      attributes___http___request___body___size: [2n ** 62n],
    })
  })

  it('finds promoted keys that had found no column', () => {
    const rest = [
      '{"http.response.status_code":200,"other":1}',
      null,
      '{"http.response.status_code":"503"}',
      '{"http.response.status_code":1.5,"http.method":"GET"}',
      '{"other":"http.method"}',
    ]
    const columns: Columns = {
      'attributes.http.response.status_code': ['text', [null, '404', null, null, null]],
      'attributes.rest': ['json', rest],
    }
    assert.deepEqual(flattened(columns), {
      'attributes.http.response.status_code': [null, '404', null, null, null],
      'attributes.rest': rest,
      attributes___http___response___status_code: [200n, 404n, 503n, null, null],
      attributes___http___request___method: [null, null, null, 'GET', null],
    })
  })

  it('keeps a key beside an older spelling whose value does not convert', () => {
    assert.deepEqual(
      flattened({
        'attributes.http.request.method': ['text', ['GET']],
        'attributes.rest': ['json', ['{"http.method":["x"]}']],
      }),
      {
        'attributes.http.request.method': ['GET'],
        'attributes.rest': ['{"http.method":["x"]}'],
        attributes___http___request___method: ['GET'],
      },
    )
  })

  it('uses the columns of the metrics table for metrics', () => {
    const batch = batchOf(
      0,
      { 'resource.host.name': ['text', ['h']], 'attributes.user.id': ['text', ['u']] },
      { signal: 'metrics' },
    )
    const names = [...flatten(batch, targetsOf('metrics', PROMOTED)).columns.keys()]
    assert.deepEqual(names.sort(), ['attributes.user.id', 'resource___host___name'])
  })

  it('promotes what it is told to', () => {
    const targets = targetsOf('logs', ['attributes.user.id'])
    const batch = batchOf(0, { 'attributes.user.id': ['text', ['u']], 'attributes.user.name': ['text', ['n']] })
    assert.deepEqual([...flatten(batch, targets).columns.keys()].sort(), [
      'attributes.user.name',
      'attributes___user___id',
    ])
  })

  it('refuses to promote a key that no table has a column for', () => {
    assert.throws(
      () => flattenAttributes.with({ promote: ['attributes.foo'] }),
      /no table has a column for attributes.foo/,
    )
  })
})

describe('the names of promoted keys', () => {
  it('are those of the semantic conventions', () => {
    for (const name of [
      'attributes.http.request.method_original',
      'attributes.network.local.address',
      'attributes.log.record.uid',
      'attributes.session.previous.id',
      'resource.service.instance.id',
      'resource.k8s.pod.name',
    ]) {
      assert.ok(PROMOTED.includes(name), name)
    }
  })
})

const everything: Columns = {
  'attributes.http.request.method': ['text', ['GET', null, 'PUT', null, null, 'GET']],
  'attributes.http.method': ['text', [null, 'POST', 'DELETE', null, null, null]],
  'attributes.server.port': ['long', [80n, 2n ** 40n, null, 443n, null, 1n]],
  'attributes.rest': ['json', [null, '{"user.id":5}', null, '{"http.method":true,"x":1}', null, null]],
  'resource.service.name': ['text', ['a', 'a', 'b', 'b', null, 'c']],
}
describeStage(flattenAttributes, [
  batchOf(0, everything),
  { ...batchOf(1), projectId: '' },
  withColumns(batchOf(2, everything), [
    ['attributes.server.port', columnOf('text', ['80', 'x', null, '443', '0', '007'])],
  ]),
])

describeGolden<GoldenBatch>(new URL('./golden/', import.meta.url), (input) =>
  new StageTestDriver(flattenAttributes).pipe(batchOfGolden(input)),
)
