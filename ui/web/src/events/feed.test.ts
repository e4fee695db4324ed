import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ListedEvent } from './event.ts'
import { Feed, isMark } from './feed.ts'

const row = (at: number): ListedEvent => ({
  id: `e${at}`,
  at,
  timestamp: '',
  level: 'INFO',
  service: 's',
  kind: 'log',
  title: '',
  pairs: [],
  durationMs: null,
  traceId: null,
})
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => row(from + at))
const shown = (feed: Feed) => feed.items.map((item) => (isMark(item) ? item.mark : item.at))

describe('the feed', () => {
  it('shows no row twice where history and live overlap', () => {
    const feed = new Feed(true)
    assert.equal(feed.prepend(rows(5, 8)), 3)
    feed.append(rows(6, 10))
    assert.equal(feed.prepend(rows(2, 6)), 3)
    assert.deepEqual(shown(feed), [2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('leaves the list alone while paused, and shows what waited when it goes on', () => {
    const feed = new Feed(true)
    feed.append(rows(0, 2))
    feed.pause()
    assert.equal(feed.append(rows(2, 5)), false)
    assert.deepEqual([shown(feed), feed.newRows], [[0, 1], 3])
    feed.resume()
    assert.deepEqual([shown(feed), feed.newRows], [[0, 1, 2, 3, 4], 0])
  })

  it('is bounded while it follows: the oldest rows leave, and may come again as history', () => {
    const feed = new Feed(true, 100)
    for (let at = 0; at < 1_000; at += 7) feed.append(rows(at, at + 7))
    assert.ok(feed.items.length <= 100 && feed.items.length > 80, `${feed.items.length}`)
    assert.equal(feed.items.length, feed.rows)
    assert.equal(feed.prepend([row(0)]), 1)
  })

  it('is bounded while paused: past the bound it only counts, and says so at the place', () => {
    const feed = new Feed(true, 10)
    feed.append(rows(0, 2))
    feed.pause()
    feed.append(rows(2, 30))
    assert.equal(feed.newRows, 28)
    feed.resume()
    const last = feed.items.at(-1)!
    assert.deepEqual(last, { mark: 'skipped', count: 18, at: 12, to: 29 })
    assert.ok(feed.items.length <= 10)
    assert.equal(feed.append(rows(29, 30)), true, 'a row only counted is not taken for shown')
  })

  it('takes values of a new column into the rows that are there, waiting ones included', () => {
    const feed = new Feed(true)
    feed.append(rows(0, 2))
    feed.pause()
    feed.append(rows(2, 3))
    feed.fill(new Map([1, 2].map((at) => [`e${at}`, { a: at }])))
    feed.fill(new Map([['e1', { b: true }]]))
    feed.resume()
    const more = feed.items.map((item) => (isMark(item) ? null : item.more))
    assert.deepEqual(more, [undefined, { a: 1, b: true }, { a: 2 }])
  })
})
