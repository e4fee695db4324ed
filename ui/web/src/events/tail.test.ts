import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import { columnNamed } from './columns.ts'
import { LISTED_COLUMNS, type ListedEvent } from './event.ts'
import { openTail, type Tail } from './tail.ts'

/** The other end of the connection, in the hands of the test. */
class FakeSocket {
  static readonly all: FakeSocket[] = []
  readonly url: URL
  isClosed = false
  onmessage: (event: { data: string }) => void = () => {}
  onclose: (event: { code: number }) => void = () => {}
  constructor(url: URL) {
    this.url = url
    FakeSocket.all.push(this)
  }
  close(code = 1006): void {
    if (this.isClosed) return
    this.isClosed = true
    this.onclose({ code })
  }
  send(frame: unknown): void {
    this.onmessage({ data: JSON.stringify(frame) })
  }
}

Object.assign(globalThis, { WebSocket: FakeSocket, location: { href: 'http://localhost:8080/events' } })

const FROM = Date.UTC(2026, 10, 22, 14)
const row = (id: string) => ({ id, timestamp: '2026-11-22T14:00:00.000000Z', body: id })

function listening(context: TestContext, filter = '') {
  const heard: string[] = []
  const ids = (events: readonly ListedEvent[]) => events.map(({ id }) => id).join()
  const tail: Tail = openTail(
    { filter, from: FROM, columns: [] },
    {
      history: (events) => heard.push(`history ${ids(events)}`),
      rows: (events) => heard.push(`rows ${ids(events)}`),
      skipped: (count) => heard.push(`skipped ${count}`),
      disconnected: (at) => heard.push(at === null ? 'connected' : 'disconnected'),
      refused: (message) => heard.push(`refused ${message}`),
    },
  )
  context.after(() => tail.close())
  return { tail, heard }
}

describe('the tail', () => {
  beforeEach((context) => {
    FakeSocket.all.length = 0
    ;(context as TestContext).mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  })

  it('begins with history, then rows, and says what was left out before them', (context) => {
    const { heard } = listening(context, "level = 'ERROR'")
    const [socket] = FakeSocket.all
    assert.equal(socket.url.pathname, '/v1/tail')
    assert.deepEqual(Object.fromEntries(socket.url.searchParams), {
      filter: "level = 'ERROR'",
      from: '2026-11-22T14:00:00.000Z',
      columns: LISTED_COLUMNS.join(),
    })
    socket.send({ rows: [row('a')], skipped: 0, position: 'p1', history: true })
    socket.send({ rows: [], skipped: 0, position: 'p2', live: true })
    socket.send({ rows: [row('b')], skipped: 3, position: 'p3' })
    assert.deepEqual(heard, ['history a', 'skipped 3', 'rows b'])
  })

  it('comes back to where it stood, waiting longer each time', (context) => {
    const { heard } = listening(context)
    FakeSocket.all[0].send({ rows: [], position: 'p1', history: true })
    FakeSocket.all[0].close()
    context.mock.timers.tick(499)
    assert.equal(FakeSocket.all.length, 1)
    context.mock.timers.tick(1)
    assert.equal(FakeSocket.all[1].url.searchParams.get('resume'), 'p1')
    FakeSocket.all[1].close()
    context.mock.timers.tick(999)
    assert.equal(FakeSocket.all.length, 2)
    context.mock.timers.tick(1)
    FakeSocket.all[2].send({ rows: [row('c')], position: 'p2' })
    assert.deepEqual(heard, ['history ', 'disconnected', 'disconnected', 'connected', 'rows c'])
  })

  it('takes silence for a lost connection', (context) => {
    const { heard } = listening(context)
    const [socket] = FakeSocket.all
    context.mock.timers.tick(30_000)
    socket.send({ rows: [], position: 'p1' })
    context.mock.timers.tick(39_999)
    assert.ok(!socket.isClosed)
    context.mock.timers.tick(1)
    assert.ok(socket.isClosed)
    assert.deepEqual(heard, ['disconnected'])
  })

  it('begins anew where its position is no longer held, and stops where it is refused', (context) => {
    const { heard } = listening(context)
    FakeSocket.all[0].send({ rows: [], position: 'p1' })
    FakeSocket.all[0].send({ error: { code: 'resume_gone', message: 'gone' } })
    FakeSocket.all[0].close(1011)
    context.mock.timers.tick(500)
    assert.equal(FakeSocket.all[1].url.searchParams.get('resume'), null)
    assert.notEqual(FakeSocket.all[1].url.searchParams.get('from'), null)
    FakeSocket.all[1].send({ error: { code: '42601', message: 'no such column' } })
    FakeSocket.all[1].close(1008)
    context.mock.timers.tick(60_000)
    assert.equal(FakeSocket.all.length, 2)
    assert.deepEqual(heard, ['disconnected', 'refused no such column'])
  })

  it('closed, it says nothing more', (context) => {
    const { tail, heard } = listening(context)
    tail.close()
    FakeSocket.all[0].send({ rows: [row('late')], position: 'p1' })
    context.mock.timers.tick(60_000)
    assert.deepEqual([heard, FakeSocket.all.length], [[], 1])
  })

  it('goes on from where it stands when other columns are wanted', (context) => {
    const { tail, heard } = listening(context)
    const [first] = FakeSocket.all
    first.send({ rows: [row('a')], position: 'p1', history: true })
    tail.setColumns([columnNamed('parent_id', otelLogsAndSpans.stored)!])
    assert.ok(first.isClosed)
    first.send({ rows: [row('late')], position: 'p2' })
    const second = FakeSocket.all[1]
    assert.equal(second.url.searchParams.get('resume'), 'p1')
    assert.ok(second.url.searchParams.get('columns')!.endsWith(',parent_id'))
    second.send({ rows: [row('b')], position: 'p2' })
    assert.deepEqual(heard, ['history a', 'rows b'])
    context.mock.timers.tick(40_000)
    context.mock.timers.tick(500)
    assert.equal(FakeSocket.all.length, 3, 'one connection at a time is watched')
  })
})
